// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target of tsdock-files: reads a stream of entries with their contents, and writes a tar header for each. Driven by
 * libFuzzer (clang), or by driver.c: see cmd/dev/fuzz.sh.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../csrc/base/io.h"
#include "../../csrc/files/frame.h"
#include "../../csrc/files/tar.h"

/* A larger file is passed over, as it would be made of nothing but holes. */
#define MAX_FILE (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int touch(void *context, const char *name, const void *value, size_t size)
{
	unsigned int *sum = context;

	for (size_t i = 0; i < size; i++)
		*sum += ((const unsigned char *)value)[i];
	*sum += (unsigned int)strlen(name);
	return 0;
}

static void write_tar(FILE *out, const struct frame *f, int has_xattrs)
{
	const struct tar_entry entry = {
		.type = "0123456"[f->type % 7],
		.path = f->path,
		.link = *f->link ? f->link : NULL,
		.mode = f->mode,
		.uid = f->uid,
		.gid = f->gid,
		.major = f->major % 4096,
		.minor = f->minor % (1u << 20),
		.seconds = f->seconds,
		.size = f->size,
		.xattrs = has_xattrs ? f->xattrs : NULL,
		.xattr_length = has_xattrs ? f->xattr_length : 0,
	};
	struct err e = {0};

	if (tar_header(&e, out, &entry) < 0)
		abort();
	tar_pad(out, f->size);
}

static int contents(struct err *e, struct frame_reader *r, const struct frame *f)
{
	_fd_close_ int to = f->size <= MAX_FILE ? memfd_create("contents", 0) : -1;
	struct stat st;
	int n = frame_contents(e, r, to, f);

	if (n == 0 && to >= 0 && (fstat(to, &st) < 0 || (uint64_t)st.st_size != f->size))
		abort();
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	_fd_close_ int in = memfd_create("stream", 0);
	struct frame_reader reader;
	struct err e = {0};
	struct frame f;
	unsigned int sum = 0;

	if (!nowhere && !(nowhere = fopen("/dev/null", "w")))
		abort();
	if (in < 0 || write_full(in, data, size) < 0 || lseek(in, 0, SEEK_SET) < 0)
		abort();
	if (frame_reader_init(&e, &reader, in) < 0)
		abort();
	while (frame_read(&e, &reader, &f) > 0) {
		int has_xattrs = frame_xattrs(&f, touch, &sum) == 0;

		if (strlen(f.path) != f.path_length || strlen(f.link) != f.link_length)
			abort();
		write_tar(nowhere, &f, has_xattrs);
		if (frame_write(&e, nowhere, &f) < 0)
			abort();
		if (f.type == FRAME_FILE && contents(&e, &reader, &f) < 0)
			break;
	}
	frame_reader_free(&reader);
	if (strlen(e.text) >= sizeof(e.text))
		abort();
	return 0;
}
