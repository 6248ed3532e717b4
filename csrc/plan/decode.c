// SPDX-License-Identifier: Apache-2.0
/* The decoder trusts nothing: everything is checked here, before the first op runs, so that handlers need no checks. */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 0x4c505354u /* TSPL */
#define HEADER_WORDS 56u
#define SECTIONS_AT 8u
#define FIELDS_AT 32u
#define SPAWN_AT 44u
#define MAX_PLAN (64u << 20)

enum { H = 1, I = 2, B = 3 };

struct op_info {
	const char *name;
	const char *signature;
	const char *syscall;
	unsigned char side;
};

static const struct op_info infos[] = {
#define OP(name, code, side, signature, syscall, args, doc) \
	[code] = {#name, signature, syscall, side},
#include "ops.def"
#undef OP
};

static const unsigned char section_sides[SECTION_COUNT] = {
	[SECTION_PREPARE] = H,	[SECTION_ADOPT] = H,	 [SECTION_HOOKS] = H,
	[SECTION_SETUP] = I,	[SECTION_DROP] = I,	 [SECTION_START] = I,
	[SECTION_COMMIT] = H,	[SECTION_POSTSTART] = H, [SECTION_UNDO] = H,
	[SECTION_POSTSTOP] = H, [SECTION_PAUSE] = H,	 [SECTION_RESUME] = H,
};

const char *op_name(enum op_code code)
{
	return infos[code].name;
}

const char *op_syscall(enum op_code code)
{
	return infos[code].syscall;
}

const char *op_signature(enum op_code code)
{
	return infos[code].signature;
}

const char *section_name(enum section section)
{
	static const char *const names[SECTION_COUNT] = {
		"prepare", "adopt",	"hooks", "setup",    "drop",  "start",
		"commit",  "poststart", "undo",	 "poststop", "pause", "resume"};

	return names[section];
}

int op_tolerates(uint32_t mask, int number)
{
	switch (number) {
	case ENOENT:
		return (mask & TOLERATE_ENOENT) != 0;
	case EPERM:
	case EACCES:
		return (mask & TOLERATE_EPERM) != 0;
	case EINVAL:
		return (mask & TOLERATE_EINVAL) != 0;
	case ENOSYS:
	case EOPNOTSUPP:
	case ENODEV:
		return (mask & TOLERATE_ENOSYS) != 0;
	case EBUSY:
		return (mask & TOLERATE_EBUSY) != 0;
	case EEXIST:
		return (mask & TOLERATE_EEXIST) != 0;
	case ENOTDIR:
		return (mask & TOLERATE_ENOTDIR) != 0;
	case ESRCH:
		return (mask & TOLERATE_ESRCH) != 0;
	case EROFS:
		return (mask & TOLERATE_EROFS) != 0;
	case ENXIO:
		return (mask & TOLERATE_ENXIO) != 0;
	default:
		return 0;
	}
}

static int bad(struct err *e, const char *what, unsigned long at)
{
	return err_set(e, 0, "the plan is damaged: %s (at %lu)", what, at);
}

/* True when count words starting at a byte offset lie inside the plan, aligned. */
static int words_fit(const struct plan *p, uint32_t offset, uint64_t count)
{
	return offset % 4 == 0 && offset >= HEADER_WORDS * 4 && count <= p->length / 4 &&
	       (uint64_t)offset + count * 4 <= p->length;
}

static const uint32_t *words_at(const struct plan *p, uint32_t offset)
{
	return (const uint32_t *)(const void *)(p->bytes + offset);
}

static int check_list(struct err *e, const struct plan *p, uint32_t offset, uint32_t count)
{
	const uint32_t *items;

	if (count == 0)
		return 0;
	if (!words_fit(p, offset, count))
		return bad(e, "a list lies outside", offset);
	items = words_at(p, offset);
	for (uint32_t i = 0; i < count; i++)
		if (items[i] >= p->pool_length)
			return bad(e, "a list item lies outside the pool", offset);
	return 0;
}

/* Checks the arguments of one op. Return: number of argument words its signature takes, or -1. */
static int check_args(struct err *e, const struct plan *p, const char *signature,
		      const uint32_t *args, uint32_t have)
{
	uint32_t n = 0;

	for (const char *s = signature; *s; s++) {
		uint32_t size = *s == 'q' || *s == 'b' || *s == 'v' ? 2 : 1;

		if (n + size > have)
			return bad(e, "an op has too few arguments", n);
		switch (*s) {
		case 'u':
		case 'q':
			break;
		case 's':
			if (args[n] >= p->pool_length)
				return bad(e, "a string lies outside the pool", n);
			break;
		case 'r':
			if (args[n] >= p->pool_length || p->pool[args[n]] != '/')
				return bad(e, "a container path is not absolute", n);
			break;
		case 'b':
			if (args[n] >= p->pool_length || args[n + 1] > p->pool_length - args[n])
				return bad(e, "bytes lie outside the pool", n);
			break;
		case 'v':
			if (check_list(e, p, args[n], args[n + 1]) < 0)
				return -1;
			break;
		case 'O':
			if (args[n] == NO_SLOT)
				break;
			__attribute__((fallthrough));
		case 'P':
		case 'T':
		case 'F':
			if (args[n] >= p->slot_count)
				return bad(e, "a slot is out of range", n);
			break;
		default:
			return bad(e, "a signature has an unknown letter", (unsigned char)*s);
		}
		n += size;
	}
	if (n != have)
		return bad(e, "an op has too many arguments", n);
	return (int)n;
}

static int check_section(struct err *e, const struct plan *p, enum section section)
{
	const struct ops *ops = &p->sections[section];
	const uint32_t *end = words_at(p, (uint32_t)(p->length & ~(size_t)3));
	const uint32_t *at = ops->words;

	for (uint32_t i = 0; i < ops->count; i++) {
		uint32_t code, have;

		if (end - at < 3)
			return bad(e, "a section ends early", section);
		code = at[0] & 0xffff;
		have = at[0] >> 16;
		if (code >= sizeof(infos) / sizeof(infos[0]) || !infos[code].name)
			return bad(e, "an op is unknown", code);
		if (!(infos[code].side & section_sides[section]))
			return bad(e, "an op stands in a section of the other side", code);
		if (at[1] >= p->pool_length)
			return bad(e, "a label lies outside the pool", code);
		if (at[2] & ~KNOWN_TOLERANCES)
			return bad(e, "an op tolerates unknown errors", code);
		if ((uint64_t)(end - at) < 3 + (uint64_t)have)
			return bad(e, "an op lies outside", code);
		if (check_args(e, p, infos[code].signature, at + 3, have) < 0)
			return err_prefix(e, -1, "%s op %u (%s)", section_name(section), i,
					  infos[code].name);
		at += 3 + have;
	}
	return 0;
}

static int check_spawn(struct err *e, struct plan *p, const uint32_t *w)
{
	struct spawn *s = &p->spawn;

	s->clone_flags = plan_u64(w);
	s->join_count = w[3];
	if (s->join_count > 8 || (s->join_count && !words_fit(p, w[2], s->join_count * 2ull)))
		return bad(e, "the joins lie outside", w[2]);
	s->joins = s->join_count ? (const struct join *)(const void *)words_at(p, w[2]) : NULL;
	for (uint32_t i = 0; i < s->join_count; i++)
		if (s->joins[i].slot >= p->slot_count)
			return bad(e, "a join has no slot", i);
	if (w[4] >= p->pool_length)
		return bad(e, "the time offsets lie outside the pool", w[4]);
	s->time_offsets = p->pool + w[4];
	s->cgroup_slot = w[5];
	if (s->cgroup_slot != NO_SLOT && s->cgroup_slot >= p->slot_count)
		return bad(e, "the cgroup slot is out of range", w[5]);
	s->flags = w[6];
	if (s->flags & ~(SPAWN_TERMINAL | SPAWN_STAGE | SPAWN_EXEC | SPAWN_DUMPABLE))
		return bad(e, "the spawn flags are unknown", w[6]);
	for (uint32_t i = 7; i < HEADER_WORDS - SPAWN_AT; i++)
		if (w[i])
			return bad(e, "a reserved word is set", SPAWN_AT + i);
	return 0;
}

int plan_decode(struct err *e, struct plan *p, const void *bytes, size_t length)
{
	const uint32_t *w = bytes;

	memset(p, 0, sizeof(*p));
	p->bytes = bytes;
	p->length = length;
	if ((uintptr_t)bytes % 4 || length < HEADER_WORDS * 4 || length > MAX_PLAN)
		return bad(e, "its size is out of range", length);
	if (w[0] != MAGIC)
		return bad(e, "it does not start as a plan", w[0]);
	if (w[1] != 1)
		return err_set(e, 0,
			       "the plan has version %u, this tsrun understands 1: install tsrun "
			       "and tsrun-plan of the same release",
			       w[1]);
	if (w[2] != length)
		return bad(e, "its length is wrong", w[2]);
	p->slot_count = w[3];
	if (p->slot_count > MAX_SLOTS)
		return bad(e, "it has too many slots", w[3]);
	if (w[5] == 0 || w[4] < HEADER_WORDS * 4 || w[4] > length || w[5] > length - w[4])
		return bad(e, "the pool lies outside", w[4]);
	p->pool = (const char *)bytes + w[4];
	p->pool_length = w[5];
	if (p->pool[0] || p->pool[p->pool_length - 1])
		return bad(e, "the pool is not terminated", w[5]);
	p->warning_count = w[7];
	if (check_list(e, p, w[6], w[7]) < 0)
		return -1;
	p->warnings = w[7] ? words_at(p, w[6]) : NULL;
	for (uint32_t i = 0; i < SECTION_COUNT; i++) {
		uint32_t offset = w[SECTIONS_AT + 2 * i], count = w[SECTIONS_AT + 2 * i + 1];

		if (count && !words_fit(p, offset, 3ull * count))
			return bad(e, "a section lies outside", i);
		p->sections[i].words = count ? words_at(p, offset) : NULL;
		p->sections[i].count = count;
		if (count && check_section(e, p, i) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < FIELD_COUNT; i++) {
		if (w[FIELDS_AT + i] >= p->pool_length)
			return bad(e, "a field lies outside the pool", i);
		p->fields[i] = p->pool + w[FIELDS_AT + i];
	}
	return check_spawn(e, p, w + SPAWN_AT);
}

void plan_next(const struct plan *p, const uint32_t **cursor, struct op *op)
{
	const uint32_t *at = *cursor;

	op->code = at[0] & 0xffff;
	op->argc = at[0] >> 16;
	op->label = p->pool + at[1];
	op->tolerate = at[2];
	op->args = at + 3;
	*cursor = at + 3 + op->argc;
}

char **plan_vector(const struct plan *p, const uint32_t *words)
{
	uint32_t count = words[1];
	const uint32_t *items = count ? words_at(p, words[0]) : NULL;
	char **vector = malloc((count + 1) * sizeof(char *));

	if (!vector)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		vector[i] = (char *)(uintptr_t)(p->pool + items[i]);
	vector[count] = NULL;
	return vector;
}
