// SPDX-License-Identifier: Apache-2.0
/* Templates of plans; runtime/plan/template.ts makes them and describes their form. */
#include <stdlib.h>
#include <string.h>

#include "../base/io.h"
#include "../plan/plan.h"
#include "plan_cache.h"

#define MAGIC 0x4d545354u /* TSTM */
#define VERSION 2u
#define MAX_HOLES 512u
#define MAX_LINKS 64u
#define HOLE_WORDS 4u
#define POOL_OFFSET_WORD 4
#define POOL_LENGTH_WORD 5
#define PLAN_LENGTH_WORD 2
#define PLAN_HEADER_WORDS 56u
#define ROOTFS_WORD 39 /* offset in the pool */

enum hole_class { CLASS_PATH, CLASS_WORD, CLASS_TEXT, CLASS_NUMBER, CLASS_UNIT };
enum piece_kind { PIECE_LITERAL, PIECE_HOLE, PIECE_ID, PIECE_BUNDLE, PIECE_TIME };
enum fixup_kind { FIXUP_OFFSET, FIXUP_LENGTH };

/* Words of a template; each table is { offset in bytes, number of rows }. */
enum header {
	H_MAGIC,
	H_VERSION,
	H_LENGTH,
	H_PLAN,	       /* offset, length */
	H_HOLES = 5,   /* class, chunk before it: offset, length; link */
	H_TAIL = 7,    /* the chunk after the last hole: offset, length */
	H_STRINGS = 9, /* first piece, number of pieces */
	H_PIECES = 11, /* kind, hole or literal's offset, literal's length */
	H_FIXUPS = 13, /* word of the plan, string, kind */
	H_WORDS = 15
};

struct template
{
	const char *bytes;
	size_t size;
	const uint32_t *words;
};

struct filler {
	struct template t;
	const struct plan_subject *subject;
	struct span holes[MAX_HOLES];
	char *plan; /* being made */
	size_t length;
	size_t room;
};

static int fits(const struct template *t, uint32_t offset, uint64_t length)
{
	return offset <= t->size && length <= t->size - offset;
}

/* A table of rows of width words. Return: its words, or NULL when it lies outside. */
static const uint32_t *table(const struct template *t, int at, unsigned int width, uint32_t *rows)
{
	uint32_t offset = t->words[at];

	*rows = t->words[at + 1];
	if (offset % 4 || !fits(t, offset, (uint64_t)*rows * width * 4))
		return NULL;
	return (const uint32_t *)(const void *)(t->bytes + offset);
}

static int in_class(enum hole_class class, unsigned char c)
{
	int alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

	switch (class) {
	case CLASS_PATH:
		return alnum || (c && strchr("/_.,:@+=%~-", c));
	case CLASS_WORD:
		return alnum || (c && strchr("_.+-", c));
	case CLASS_TEXT:
		return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
	case CLASS_NUMBER:
		return c >= '0' && c <= '9';
	case CLASS_UNIT:
		return alnum || c == '_';
	}
	return 0;
}

/* An absolute path that is spelled in the one clean way: no //, no . or .. component, no / at the end. */
static int is_clean_path(const char *s, size_t n)
{
	if (n < 2 || n > 200 || s[0] != '/' || s[n - 1] == '/')
		return 0;
	for (size_t i = 0; i < n; i++) {
		size_t dots;

		if (s[i] != '/')
			continue;
		for (dots = 0; dots < 3 && i + 1 + dots < n && s[i + 1 + dots] == '.';)
			dots++;
		if (i + 1 < n && s[i + 1] == '/')
			return 0;
		if ((dots == 1 || dots == 2) && (i + 1 + dots == n || s[i + 1 + dots] == '/'))
			return 0;
	}
	return 1;
}

/* Length of what stands in a hole that starts here; 0 when it is not of the class. The chunk behind it shows that all of it was taken. */
static size_t measure(enum hole_class class, const char *s, size_t room)
{
	static const size_t longest[] = {[CLASS_PATH] = 200,
					 [CLASS_WORD] = 64,
					 [CLASS_TEXT] = 4096,
					 [CLASS_NUMBER] = 20,
					 [CLASS_UNIT] = 64};
	size_t most = longest[class], n = 0;

	while (n < room && n <= most && in_class(class, (unsigned char)s[n]))
		n++;
	if (n == 0 || n > most)
		return 0;
	if (class == CLASS_WORD && (n == 1 || (n == 2 && s[1] == '.')) && s[0] == '.')
		return 0;
	return class == CLASS_PATH && !is_clean_path(s, n) ? 0 : n;
}

static int is_equal(const struct span *a, const struct span *b)
{
	return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

/* Holes of one link hold the same, those of two do not: what was equal for the planner, and only that. */
static int links_hold(const struct filler *f, const uint32_t *hole, uint32_t rows)
{
	const struct span *first[MAX_LINKS + 1] = {NULL};

	for (uint32_t i = 0; i < rows; i++, hole += HOLE_WORDS) {
		const struct span *text = &f->holes[i];

		if (hole[3] == 0)
			continue;
		if (hole[3] > MAX_LINKS)
			return 0;
		if (first[hole[3]] && !is_equal(first[hole[3]], text))
			return 0;
		first[hole[3]] = text;
	}
	for (uint32_t a = 1; a <= MAX_LINKS; a++)
		for (uint32_t b = a + 1; first[a] && b <= MAX_LINKS; b++)
			if (first[b] && is_equal(first[a], first[b]))
				return 0;
	return 1;
}

/* Lays the chunks over the text and finds what stands in the holes. Return: 1 when it fits. */
static int match(struct filler *f)
{
	const struct template *t = &f->t;
	struct span rest = f->subject->text;
	uint32_t rows, tail = t->words[H_TAIL], tail_length = t->words[H_TAIL + 1];
	const uint32_t *hole = table(t, H_HOLES, HOLE_WORDS, &rows), *holes = hole;

	if (!hole || rows > MAX_HOLES || !fits(t, tail, tail_length))
		return 0;
	for (uint32_t i = 0; i < rows; i++, hole += HOLE_WORDS) {
		size_t n;

		if (hole[0] > CLASS_UNIT || !fits(t, hole[1], hole[2]) || hole[2] > rest.length ||
		    memcmp(t->bytes + hole[1], rest.data, hole[2]) != 0)
			return 0;
		rest.data += hole[2];
		rest.length -= hole[2];
		n = measure((enum hole_class)hole[0], rest.data, rest.length);
		if (n == 0)
			return 0;
		f->holes[i] = (struct span){rest.data, n};
		rest.data += n;
		rest.length -= n;
	}
	return rest.length == tail_length && memcmp(t->bytes + tail, rest.data, tail_length) == 0 &&
	       links_hold(f, holes, rows);
}

static int append(struct filler *f, const char *data, size_t length)
{
	if (length > f->room - f->length) {
		size_t room = f->room * 2 + length;
		char *larger = realloc(f->plan, room);

		if (!larger)
			return 0;
		f->plan = larger;
		f->room = room;
	}
	memcpy(f->plan + f->length, data, length);
	f->length += length;
	return 1;
}

static int append_piece(struct filler *f, const uint32_t *piece)
{
	uint32_t holes = f->t.words[H_HOLES + 1];

	switch (piece[0]) {
	case PIECE_LITERAL:
		return fits(&f->t, piece[1], piece[2]) &&
		       append(f, f->t.bytes + piece[1], piece[2]);
	case PIECE_HOLE:
		return piece[1] < holes &&
		       append(f, f->holes[piece[1]].data, f->holes[piece[1]].length);
	case PIECE_ID:
		return append(f, f->subject->id, strlen(f->subject->id));
	case PIECE_BUNDLE:
		return append(f, f->subject->bundle, strlen(f->subject->bundle));
	case PIECE_TIME:
		return append(f, f->subject->time, strlen(f->subject->time));
	default:
		return 0;
	}
}

/* Puts the strings with something filled in behind the pool, and notes where: offset in the pool and length. */
static int append_strings(struct filler *f, uint32_t pool, uint32_t *places)
{
	uint32_t rows, piece_rows;
	const uint32_t *string = table(&f->t, H_STRINGS, 2, &rows);
	const uint32_t *pieces = table(&f->t, H_PIECES, 3, &piece_rows);

	if (!string || !pieces)
		return 0;
	for (uint32_t i = 0; i < rows; i++, string += 2) {
		size_t start = f->length;

		if (string[0] > piece_rows || string[1] > piece_rows - string[0])
			return 0;
		for (uint32_t p = 0; p < string[1]; p++)
			if (!append_piece(f, pieces + 3 * (size_t)(string[0] + p)))
				return 0;
		places[2 * i] = (uint32_t)(start - pool);
		places[2 * i + 1] = (uint32_t)(f->length - start);
		if (!append(f, "", 1))
			return 0;
	}
	while (f->length % 4)
		if (!append(f, "", 1))
			return 0;
	return 1;
}

static int apply_fixups(struct filler *f, const uint32_t *places, uint32_t strings)
{
	uint32_t rows, plan_words = f->t.words[H_PLAN + 1] / 4;
	const uint32_t *fixup = table(&f->t, H_FIXUPS, 3, &rows);
	uint32_t *plan = (uint32_t *)(void *)f->plan;

	if (!fixup)
		return 0;
	for (uint32_t i = 0; i < rows; i++, fixup += 3) {
		if (fixup[0] < PLAN_HEADER_WORDS / 2 || fixup[0] >= plan_words ||
		    fixup[1] >= strings || fixup[2] > FIXUP_LENGTH)
			return 0;
		plan[fixup[0]] = places[2 * fixup[1] + (fixup[2] == FIXUP_LENGTH)];
	}
	return 1;
}

static int make_plan(struct filler *f)
{
	const uint32_t *w = f->t.words;
	uint32_t length = w[H_PLAN + 1], strings = w[H_STRINGS + 1], pool;
	_free_ uint32_t *places = calloc((size_t)strings * 2 + 1, sizeof(uint32_t));
	uint32_t *header;

	if (!places || length % 4 || length < PLAN_HEADER_WORDS * 4 ||
	    !fits(&f->t, w[H_PLAN], length) || !append(f, f->t.bytes + w[H_PLAN], length))
		return 0;
	pool = ((uint32_t *)(void *)f->plan)[POOL_OFFSET_WORD];
	if (pool > length || !append_strings(f, pool, places) || !apply_fixups(f, places, strings))
		return 0;
	header = (uint32_t *)(void *)f->plan;
	header[PLAN_LENGTH_WORD] = (uint32_t)f->length;
	header[POOL_LENGTH_WORD] = (uint32_t)(f->length - pool);
	return 1;
}

/* A bind mount of a part of the root is planned otherwise, and a template does not know what its holes say. */
static int has_path_in_root(const struct filler *f)
{
	const uint32_t *header = (const uint32_t *)(const void *)f->plan;
	uint64_t at = (uint64_t)header[POOL_OFFSET_WORD] + header[ROOTFS_WORD];
	const char *root = f->plan + at;
	size_t length = at < f->length ? strnlen(root, f->length - at) : 0;
	uint32_t rows;
	const uint32_t *hole = table(&f->t, H_HOLES, 3, &rows);

	if (length == 0 || length == f->length - at)
		return 1;
	for (uint32_t i = 0; i < rows; i++) {
		const struct span *text = &f->holes[i];

		if (hole[3 * i] == CLASS_PATH && text->length > length &&
		    text->data[length] == '/' && memcmp(text->data, root, length) == 0)
			return 1;
	}
	return 0;
}

int template_fill_in(const char *template, size_t size, const struct plan_subject *s, char **plan,
		     size_t *length)
{
	struct filler *f;
	const uint32_t *words = (const uint32_t *)(const void *)template;
	int done;

	if ((uintptr_t) template % 4 || size < H_WORDS * 4 || words[H_MAGIC] != MAGIC ||
	    words[H_VERSION] != VERSION || words[H_LENGTH] != size || words[H_STRINGS + 1] > size)
		return 0;
	if (!is_clean_path(s->bundle, strlen(s->bundle)))
		return 0;
	f = calloc(1, sizeof(*f));
	if (!f)
		return 0;
	f->t = (struct template){template, size, words};
	f->subject = s;
	done = match(f) && make_plan(f) && !has_path_in_root(f);
	if (done) {
		*plan = f->plan;
		*length = f->length;
	} else {
		free(f->plan);
	}
	free(f);
	return done;
}
