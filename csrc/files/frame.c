// SPDX-License-Identifier: Apache-2.0
#include "frame.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/io.h"

#define BUFFER (1u << 18)
#define MAX_PATH 65536u
#define MAX_XATTRS (1u << 20)
#define BLOCK 4096u

static uint32_t get32(const char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

static void put32(char *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static void put64(char *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

int frame_reader_init(struct err *e, struct frame_reader *r, int fd)
{
	*r = (struct frame_reader){.fd = fd,
				   .buffer = malloc(BUFFER),
				   .strings = malloc(2 * MAX_PATH + MAX_XATTRS + 3)};
	if (r->buffer && r->strings)
		return 0;
	frame_reader_free(r);
	return err_set(e, ENOMEM, "malloc");
}

void frame_reader_free(struct frame_reader *r)
{
	free(r->buffer);
	free(r->strings);
}

/* Return: bytes that are there, at least one, or -errno with e filled. */
static ssize_t available(struct err *e, struct frame_reader *r)
{
	ssize_t n;

	if (r->begin < r->end)
		return (ssize_t)(r->end - r->begin);
	do
		n = read(r->fd, r->buffer, BUFFER);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, errno, "read of the stream of files");
	if (n == 0)
		return err_set(e, EPIPE, "the stream of files ended early");
	r->begin = 0;
	r->end = (size_t)n;
	return n;
}

static int take(struct err *e, struct frame_reader *r, void *to, size_t length)
{
	for (char *at = to; length > 0;) {
		ssize_t n = available(e, r);
		size_t part;

		if (n < 0)
			return (int)n;
		part = (size_t)n < length ? (size_t)n : length;
		memcpy(at, r->buffer + r->begin, part);
		r->begin += part;
		at += part;
		length -= part;
	}
	return 0;
}

static int take_strings(struct err *e, struct frame_reader *r, struct frame *f)
{
	char *at = r->strings;
	struct {
		char **to;
		uint32_t length;
	} const parts[] = {{&f->path, f->path_length},
			   {&f->link, f->link_length},
			   {&f->xattrs, f->xattr_length}};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int n = take(e, r, at, parts[i].length);

		if (n < 0)
			return n;
		*parts[i].to = at;
		at[parts[i].length] = '\0';
		at += parts[i].length + 1;
	}
	if (strlen(f->path) != f->path_length || strlen(f->link) != f->link_length)
		return err_set(e, EPROTO, "a path with a NUL in the stream of files");
	return 1;
}

int frame_read(struct err *e, struct frame_reader *r, struct frame *f)
{
	char h[FRAME_HEADER];
	int n = take(e, r, h, sizeof(h));

	if (n < 0)
		return n;
	*f = (struct frame){
		.type = (uint8_t)h[0],
		.flags = (uint8_t)h[1],
		.mode = get32(h + 4),
		.uid = get32(h + 8),
		.gid = get32(h + 12),
		.seconds = (int64_t)get64(h + 16),
		.nanoseconds = get32(h + 24),
		.path_length = get32(h + 28),
		.link_length = get32(h + 32),
		.xattr_length = get32(h + 36),
		.major = get32(h + 40),
		.minor = get32(h + 44),
		.size = get64(h + 48),
		.inode = get64(h + 56),
	};
	if (f->type == FRAME_END)
		return 0;
	if (f->path_length > MAX_PATH || f->link_length > MAX_PATH ||
	    f->xattr_length > MAX_XATTRS || f->mode > 07777 || f->nanoseconds >= 1000000000 ||
	    f->size > INT64_MAX)
		return err_set(e, EPROTO, "an entry of the stream of files");
	return take_strings(e, r, f);
}

static int is_zero(const char *data, size_t length)
{
	return length > 0 && *data == 0 && memcmp(data, data + 1, length - 1) == 0;
}

/* Length of what begins at a place of a file, up to the next border of blocks. */
static size_t block_part(size_t length, uint64_t at)
{
	size_t part = BLOCK - (size_t)(at % BLOCK);

	return part < length ? part : length;
}

/* Writes data for the place at in a new file, in which zeros need not be written. Return: 0 or -errno. */
static int write_data(int to, const char *data, size_t length, uint64_t at)
{
	while (length > 0) {
		size_t part = block_part(length, at);
		int zero = is_zero(data, part), r;

		/* As far as it goes on like that. */
		while (part < length) {
			size_t next = block_part(length - part, at + part);

			if (is_zero(data + part, next) != zero)
				break;
			part += next;
		}
		r = zero ? 0 : write_full(to, data, part);
		if (zero && lseek(to, (off_t)part, SEEK_CUR) < 0)
			r = -errno;
		if (r < 0)
			return r;
		data += part;
		length -= part;
		at += part;
	}
	return 0;
}

static int copy_data(struct err *e, struct frame_reader *r, int to, const struct frame *f,
		     uint64_t at, uint64_t length)
{
	while (length > 0) {
		ssize_t n = available(e, r);
		size_t part;
		int failed;

		if (n < 0)
			return (int)n;
		part = (uint64_t)n < length ? (size_t)n : (size_t)length;
		failed = to < 0 ? 0 : write_data(to, r->buffer + r->begin, part, at);
		if (failed < 0)
			return err_set(e, -failed, "write \"%s\"", f->path);
		r->begin += part;
		at += part;
		length -= part;
	}
	return 0;
}

static int copy_pieces(struct err *e, struct frame_reader *r, int to, const struct frame *f)
{
	for (uint64_t at = 0, length; at < f->size; at += length) {
		char word[8];
		int n = take(e, r, word, sizeof(word)), hole;

		if (n < 0)
			return n;
		length = get64(word);
		hole = (length & FRAME_HOLE) != 0;
		length &= ~FRAME_HOLE;
		if (length == 0 || length > f->size - at)
			return err_set(e, EPROTO, "a piece of \"%s\"", f->path);
		if (!hole)
			n = copy_data(e, r, to, f, at, length);
		else if (to >= 0 && lseek(to, (off_t)length, SEEK_CUR) < 0)
			n = err_set(e, errno, "lseek \"%s\"", f->path);
		if (n < 0)
			return n;
	}
	return 0;
}

int frame_contents(struct err *e, struct frame_reader *r, int to, const struct frame *f)
{
	int n = f->flags & FRAME_PIECES ? copy_pieces(e, r, to, f)
					: copy_data(e, r, to, f, 0, f->size);

	if (n < 0 || to < 0)
		return n;
	return ftruncate(to, (off_t)f->size) < 0 ? err_set(e, errno, "ftruncate \"%s\"", f->path)
						 : 0;
}

int frame_write(struct err *e, FILE *out, const struct frame *f)
{
	char h[FRAME_HEADER] = {(char)f->type, (char)f->flags};

	put32(h + 4, f->mode);
	put32(h + 8, f->uid);
	put32(h + 12, f->gid);
	put64(h + 16, (uint64_t)f->seconds);
	put32(h + 24, f->nanoseconds);
	put32(h + 28, f->path_length);
	put32(h + 32, f->link_length);
	put32(h + 36, f->xattr_length);
	put32(h + 40, f->major);
	put32(h + 44, f->minor);
	put64(h + 48, f->size);
	put64(h + 56, f->inode);
	fwrite(h, 1, sizeof(h), out);
	fwrite(f->path, 1, f->path_length, out);
	fwrite(f->link, 1, f->link_length, out);
	fwrite(f->xattrs, 1, f->xattr_length, out);
	return ferror(out) ? err_set(e, errno, "write of the stream of files") : 0;
}

int frame_xattrs(const struct frame *f,
		 int (*each)(void *context, const char *name, const void *value, size_t size),
		 void *context)
{
	const char *at = f->xattrs, *end = f->xattrs + f->xattr_length;

	while (at < end) {
		const char *value = memchr(at, '\0', (size_t)(end - at));
		uint32_t size;
		int r;

		if (!value || end - value < 5)
			return -EPROTO;
		size = get32(value + 1);
		value += 5;
		if (size > (size_t)(end - value))
			return -EPROTO;
		r = each(context, at, value, size);
		if (r < 0)
			return r;
		at = value + size;
	}
	return 0;
}
