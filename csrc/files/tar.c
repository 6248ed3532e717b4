// SPDX-License-Identifier: Apache-2.0
#include "tar.h"

#include <endian.h>
#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512u
#define OCTAL_8 07777777ull	 /* what a field of 8 bytes holds */
#define OCTAL_12 077777777777ull /* and one of 12 */

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100],
		magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155],
		padding[12];
};

/* Records of a pax header: `LENGTH KEY=VALUE\n`, where the length counts itself. */
struct records {
	char *data;
	size_t length, room;
	int failed;
};

static void add_record(struct records *r, const char *key, const void *value, size_t size)
{
	size_t body = strlen(key) + size + 3, length = body, before;
	char digits[24];

	do {
		before = length;
		length = body + (size_t)snprintf(digits, sizeof(digits), "%zu", before);
	} while (length != before);
	if (r->length + length + 1 > r->room) {
		size_t room = 2 * (r->length + length + 1);
		char *data = realloc(r->data, room);

		if (!data) {
			r->failed = 1;
			return;
		}
		r->data = data;
		r->room = room;
	}
	r->length += (size_t)sprintf(r->data + r->length, "%s %s=", digits, key);
	memcpy(r->data + r->length, value, size);
	r->length += size;
	r->data[r->length++] = '\n';
}

static void add_number(struct records *r, const char *key, int64_t value)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%lld", (long long)value);

	add_record(r, key, digits, (size_t)length);
}

static void octal(char *field, size_t size, uint64_t value)
{
	snprintf(field, size, "%0*llo", (int)size - 1, (unsigned long long)value);
}

static int is_plain(const char *text, size_t limit)
{
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at >= 0x80)
			return 0;
	return strlen(text) <= limit;
}

static void write_block(FILE *out, struct ustar *h, char type)
{
	unsigned int sum = 0;

	h->type = type;
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((const unsigned char *)h)[i];
	snprintf(h->checksum, sizeof(h->checksum), "%06o", sum);
	fwrite(h, 1, sizeof(*h), out);
}

#define XATTR_KEY (3 * XATTR_NAME_MAX + 16)

/* `=` ends a key: GNU tar writes it as %3D, and % as %25. */
static void xattr_key(char key[static XATTR_KEY], const char *name)
{
	char *to = key + sprintf(key, "SCHILY.xattr.");

	for (size_t i = 0; i < XATTR_NAME_MAX && name[i]; i++) {
		if (name[i] == '=' || name[i] == '%')
			to += sprintf(to, "%%%02X", (unsigned int)name[i]);
		else
			*to++ = name[i];
	}
	*to = '\0';
}

/* What the fields of ustar do not hold. */
static void collect_records(struct records *r, const struct tar_entry *entry)
{
	const char *at = entry->xattrs, *end = entry->xattrs + entry->xattr_length;

	if (entry->gid > OCTAL_8)
		add_number(r, "gid", entry->gid);
	if (entry->link && !is_plain(entry->link, 100))
		add_record(r, "linkpath", entry->link, strlen(entry->link));
	if (entry->seconds < 0 || (uint64_t)entry->seconds > OCTAL_12)
		add_number(r, "mtime", entry->seconds);
	if (!is_plain(entry->path, 100))
		add_record(r, "path", entry->path, strlen(entry->path));
	if (entry->size > OCTAL_12)
		add_number(r, "size", (int64_t)entry->size);
	if (entry->uid > OCTAL_8)
		add_number(r, "uid", entry->uid);
	while (at && at < end) {
		const char *value = at + strlen(at) + 1;
		char key[XATTR_KEY];
		uint32_t size;

		memcpy(&size, value, sizeof(size));
		size = le32toh(size);
		xattr_key(key, at);
		add_record(r, key, value + 4, size);
		at = value + 4 + size;
	}
}

static int write_records(struct err *e, FILE *out, const struct tar_entry *entry)
{
	struct records r = {0};
	struct ustar h = {.name = "PaxHeaders/entry"};

	collect_records(&r, entry);
	if (r.failed) {
		free(r.data);
		return err_set(e, ENOMEM, "malloc");
	}
	if (r.length) {
		octal(h.mode, sizeof(h.mode), 0644);
		octal(h.uid, sizeof(h.uid), 0);
		octal(h.gid, sizeof(h.gid), 0);
		octal(h.size, sizeof(h.size), r.length);
		octal(h.mtime, sizeof(h.mtime), 0);
		write_block(out, &h, 'x');
		fwrite(r.data, 1, r.length, out);
		tar_pad(out, r.length);
	}
	free(r.data);
	return 0;
}

int tar_header(struct err *e, FILE *out, const struct tar_entry *entry)
{
	struct ustar h = {0};
	int r = write_records(e, out, entry);

	if (r < 0)
		return r;
	strncpy(h.name, entry->path, sizeof(h.name));
	if (entry->link)
		strncpy(h.link, entry->link, sizeof(h.link));
	octal(h.mode, sizeof(h.mode), entry->mode);
	octal(h.uid, sizeof(h.uid), entry->uid > OCTAL_8 ? 0 : entry->uid);
	octal(h.gid, sizeof(h.gid), entry->gid > OCTAL_8 ? 0 : entry->gid);
	octal(h.size, sizeof(h.size), entry->size > OCTAL_12 ? 0 : entry->size);
	octal(h.mtime, sizeof(h.mtime),
	      entry->seconds < 0 || (uint64_t)entry->seconds > OCTAL_12 ? 0
									: (uint64_t)entry->seconds);
	octal(h.major, sizeof(h.major), entry->major);
	octal(h.minor, sizeof(h.minor), entry->minor);
	write_block(out, &h, entry->type);
	return ferror(out) ? err_set(e, errno, "write of the tar") : 0;
}

void tar_pad(FILE *out, uint64_t size)
{
	static const char zeros[BLOCK];

	if (size % BLOCK)
		fwrite(zeros, 1, BLOCK - size % BLOCK, out);
}

void tar_end(FILE *out)
{
	static const char zeros[2 * BLOCK];

	fwrite(zeros, 1, sizeof(zeros), out);
}
