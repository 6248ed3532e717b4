// SPDX-License-Identifier: Apache-2.0
/* One entry of a file tree on a stream: what `apply` reads and `walk` writes. bundles/layers/frame.ts is its twin. */
#ifndef TSRUN_FILES_FRAME_H
#define TSRUN_FILES_FRAME_H

#include <stdint.h>
#include <stdio.h>

#include "../base/err.h"

#define FRAME_HEADER 64u
#define FRAME_NO_ID UINT32_MAX /* owner: as it is at the source, or the caller's */

enum frame_type {
	FRAME_FILE = 'f', /* its contents follow */
	FRAME_DIRECTORY = 'd',
	FRAME_SYMLINK = 'l',
	FRAME_HARD_LINK = 'h', /* link: path of another entry */
	FRAME_CHAR = 'c',
	FRAME_BLOCK = 'b',
	FRAME_FIFO = 'p',
	FRAME_SOCKET = 's',   /* `walk` alone */
	FRAME_WHITEOUT = 'w', /* hides what lower layers have at path */
	FRAME_OPAQUE = 'o',   /* hides all that lower layers have in the directory path */
	FRAME_COPY =
		'F', /* a file whose contents, mode and attributes are those of link in the source tree */
	FRAME_END = 'e',
};

#define FRAME_KEEP_MODE 1u /* mode is that of the source */
#define FRAME_KEEP_TIME 2u /* times are those of the source */
#define FRAME_IF_ABSENT 4u /* what is there already stays */
#define FRAME_FOLLOW 8u	   /* a copy: link may be a symlink to what is meant */
#define FRAME_PIECES 16u   /* contents come as pieces, some of which are holes */

#define FRAME_HOLE (UINT64_C(1) << 63)

/*
 * Little endian: u8 type, u8 flags, u16 0, u32 mode (07777), u32 uid, u32 gid, i64 seconds, u32 nanoseconds, u32 length of
 * path, of link and of xattrs, u32 major, u32 minor, u64 size, u64 inode (0 unless it has several names); then path, link,
 * xattrs (each: name, NUL, u32 length, value) and, for FRAME_FILE, size bytes. With FRAME_PIECES, these are pieces: u64 length
 * (not 0) and so many bytes, or u64 length | FRAME_HOLE and no bytes; their lengths make up size.
 */
struct frame {
	uint8_t type, flags;
	uint32_t mode, uid, gid, nanoseconds, major, minor, path_length, link_length, xattr_length;
	int64_t seconds;
	uint64_t size, inode;
	char *path, *link, *xattrs; /* NUL-terminated; valid until the next frame */
};

struct frame_reader {
	int fd;
	char *buffer;
	size_t begin, end;
	char *strings;
};

int frame_reader_init(struct err *e, struct frame_reader *r, int fd);
void frame_reader_free(struct frame_reader *r);

/* Return: 1, 0 at FRAME_END, or -errno: also when the stream ends without it. */
int frame_read(struct err *e, struct frame_reader *r, struct frame *f);

/* Copies the contents of an entry into an empty file, leaving holes for blocks of zeros; to < 0: leaves them out. */
int frame_contents(struct err *e, struct frame_reader *r, int to, const struct frame *f);

int frame_write(struct err *e, FILE *out, const struct frame *f);

/* Calls each for every xattr of a frame. Return: 0, or -EPROTO when they are malformed. */
int frame_xattrs(const struct frame *f,
		 int (*each)(void *context, const char *name, const void *value, size_t size),
		 void *context);

#endif
