// SPDX-License-Identifier: Apache-2.0
#include "plan_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"

#define MAGIC 0x43505354u /* TSPC */
#define VERSION 1u
#define ENTRY_MAX (4u << 20)
#define BUCKETS 64u
#define SLOTS 4u
#define EXEC_SLOTS 8u /* of one container */
#define SEEN_MAX 16u  /* shapes of a bucket that are remembered without a template */
#define KEY_LENGTH 17u

/* A file of the cache: what must be equal, then what it is good for. */
struct entry_head {
	uint32_t magic;
	uint32_t version;
	uint32_t fixed_length; /* rounded up to 4 in the file */
	uint32_t body_length;
};

#define HASH_START 0xcbf29ce484222325ull
#define HASH_PRIME 0x100000001b3ull

/* It finds a place in the cache; whether what is there fits is found out by comparing. */
static uint64_t hash(uint64_t h, const char *data, size_t length)
{
	uint64_t word;

	for (; length >= sizeof(word); data += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		h = (h ^ word) * HASH_PRIME;
		h ^= h >> 32;
	}
	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)data[i]) * HASH_PRIME;
	return h;
}

/* What JSON has outside of its texts, and how many of them: documents of one shape have it in common. */
static uint64_t hash_shape(uint64_t h, const char *at, const char *end)
{
	while (at < end) {
		if (*at != '"') {
			h = (h ^ (unsigned char)*at++) * HASH_PRIME;
			continue;
		}
		for (at++; at < end && *at != '"'; at++)
			at += *at == '\\';
		at++;
	}
	return h;
}

static struct span fixed_part(const struct request *r)
{
	return (struct span){r->data + r->fixed_at, r->fixed_end - r->fixed_at};
}

static uint64_t template_key(const struct request *r, const struct plan_subject *s)
{
	struct span fixed = fixed_part(r);
	uint64_t h = hash(HASH_START, fixed.data, fixed.length);

	h = (h ^ s->word_count) * HASH_PRIME;
	return hash_shape(h, s->text.data, s->text.data + s->shape_length);
}

static size_t rounded(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

/* Only root's own files, or those of the user, are believed. */
static int open_directory(const char *path, int make)
{
	_fd_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && make && errno == ENOENT) {
		char parent[4096];
		char *slash;

		snprintf(parent, sizeof(parent), "%s", path);
		slash = strrchr(parent, '/');
		if (slash)
			*slash = '\0';
		mkdir(parent, 0700);
		mkdir(path, 0700);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022))
		return -1;
	return take_fd(&fd);
}

int plan_cache_is_used(const char *directory)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/used", directory);
	return access(path, F_OK) == 0;
}

/* Reads a file whose first part is this one. Return: its body, in *data, or NULL. */
static const char *read_entry(int dirfd, const char *name, struct span fixed, char **data,
			      size_t *length)
{
	struct entry_head head;
	ssize_t n = read_file(dirfd, name, data, ENTRY_MAX);

	if (n < (ssize_t)sizeof(head))
		return NULL;
	memcpy(&head, *data, sizeof(head));
	if (head.magic != MAGIC || head.version != VERSION || head.fixed_length != fixed.length ||
	    (uint64_t)n != sizeof(head) + rounded(fixed.length) + (uint64_t)head.body_length ||
	    memcmp(*data + sizeof(head), fixed.data, fixed.length) != 0)
		return NULL;
	*length = head.body_length;
	return *data + sizeof(head) + rounded(fixed.length);
}

static void write_entry(int dirfd, const char *name, struct span fixed, const void *body,
			size_t length)
{
	struct entry_head head = {MAGIC, VERSION, (uint32_t)fixed.length, (uint32_t)length};
	static const char padding[4];
	_fd_close_ int fd = file_begin(dirfd);

	if (fd >= 0 && write_full(fd, &head, sizeof(head)) == 0 &&
	    write_full(fd, fixed.data, fixed.length) == 0 &&
	    write_full(fd, padding, rounded(fixed.length) - fixed.length) == 0 &&
	    write_full(fd, body, length) == 0)
		file_publish(fd, dirfd, name);
}

/* Notes that this shape was seen, in place of the one that was longest ago. Return: 1 when it was seen before. */
static int seen_before(int dirfd, uint64_t key)
{
	char name[32], have[SEEN_MAX * KEY_LENGTH + 1], text[KEY_LENGTH + 1];
	ssize_t length;

	snprintf(name, sizeof(name), "%02x.seen", (unsigned int)(key % BUCKETS));
	snprintf(text, sizeof(text), "%016llx ", (unsigned long long)key);
	length = read_small(dirfd, name, have, sizeof(have));
	if (length > 0 && strstr(have, text))
		return 1;
	{
		_fd_close_ int fd = openat(
			dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		size_t kept = length > 0 ? (size_t)length : 0;

		if (kept > (SEEN_MAX - 1) * KEY_LENGTH)
			kept = (SEEN_MAX - 1) * KEY_LENGTH;
		if (fd >= 0 && write_full(fd, text, KEY_LENGTH) == 0)
			write_full(fd, have, kept);
	}
	return 0;
}

int template_find(const char *directory, const struct request *r, const struct plan_subject *s,
		  char **plan, size_t *length, int *wanted)
{
	uint64_t key = template_key(r, s);
	_fd_close_ int fd = -1;

	*wanted = 0;
	if (r->unique || r->failed)
		return 0;
	fd = open_directory(directory, 1);
	if (fd < 0)
		return 0;
	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		_free_ char *data = NULL;
		const char *template;
		char name[32];
		size_t size;

		snprintf(name, sizeof(name), "%02x.%u", (unsigned int)(key % BUCKETS), slot);
		template = read_entry(fd, name, fixed_part(r), &data, &size);
		if (template && template_fill_in(template, size, s, plan, length))
			return 1;
	}
	/* A shape that comes once only is not worth the work. */
	*wanted = seen_before(fd, key);
	return 0;
}

void template_keep(const char *directory, const struct request *r, const struct plan_subject *s,
		   const void *template, size_t length)
{
	uint64_t key = template_key(r, s);
	_fd_close_ int fd = open_directory(directory, 1);
	_fd_close_ int used = -1;
	unsigned int slot;
	char name[32];

	if (fd < 0)
		return;
	for (slot = 0; slot < SLOTS; slot++) {
		snprintf(name, sizeof(name), "%02x.%u", (unsigned int)(key % BUCKETS), slot);
		if (faccessat(fd, name, F_OK, 0) < 0)
			break;
	}
	if (slot == SLOTS)
		snprintf(name, sizeof(name), "%02x.%u", (unsigned int)(key % BUCKETS),
			 (unsigned int)now_ms() % SLOTS);
	write_entry(fd, name, fixed_part(r), template, length);
	used = openat(fd, "used", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* All but what differs each time and means nothing. */
static struct span whole_part(const struct request *r)
{
	return (struct span){r->data + r->whole_at, r->fixed_end - r->whole_at};
}

/* Which of the files comes first: probes differ in their flags and in what is executed, the documents are the container's. */
static unsigned int exec_slot(const struct request *r)
{
	static const char *const keys[] = {"args", "process"};
	struct span fixed = fixed_part(r);
	uint64_t h = hash(HASH_START, fixed.data, fixed.length);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t length;
		const char *value = request_get(r, keys[i], &length);

		if (value)
			h = hash(h, value, length);
	}
	h ^= h >> 32;
	return (unsigned int)((h ^ (h >> 16)) % EXEC_SLOTS);
}

static void exec_name(unsigned int slot, char name[32])
{
	snprintf(name, 32, "exec-plan.%u", slot % EXEC_SLOTS);
}

int exec_plan_is_kept(const char *root, const char *id)
{
	for (unsigned int slot = 0; slot < EXEC_SLOTS; slot++) {
		char path[8192];

		snprintf(path, sizeof(path), "%s/%s/exec-plan.%u", root, id, slot);
		if (access(path, F_OK) == 0)
			return 1;
	}
	return 0;
}

int exec_plan_find(int dirfd, const struct request *r, char **plan, size_t *length)
{
	unsigned int first;

	*plan = NULL;
	if (r->unique || r->failed)
		return 0;
	first = exec_slot(r);
	for (unsigned int i = 0; i < EXEC_SLOTS && !*plan; i++) {
		_free_ char *data = NULL;
		const char *body;
		char name[32];

		exec_name(first + i, name);
		body = read_entry(dirfd, name, whole_part(r), &data, length);
		/* Files are taken in this order, and none is removed alone. */
		if (!body && faccessat(dirfd, name, F_OK, 0) < 0)
			return 0;
		*plan = body ? malloc(*length + 1) : NULL;
		if (*plan)
			memcpy(*plan, body, *length);
	}
	return *plan != NULL;
}

void exec_plan_keep(int dirfd, const struct request *r, const void *plan, size_t length)
{
	unsigned int first, i = 0;
	char name[32];

	if (r->unique || r->failed)
		return;
	first = exec_slot(r);
	do
		exec_name(first + i, name);
	while (faccessat(dirfd, name, F_OK, 0) == 0 && ++i < EXEC_SLOTS);
	if (i == EXEC_SLOTS)
		exec_name(first, name);
	write_entry(dirfd, name, whole_part(r), plan, length);
}
