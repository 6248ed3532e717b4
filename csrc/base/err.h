// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_BASE_ERR_H
#define TSRUN_BASE_ERR_H

#include <stddef.h>

/*
 * A failure, recorded once where it happened and forwarded unchanged. Functions return 0 or -errno and fill this.
 * text: `syscall "object": no such file or directory (ENOENT)`, or a whole sentence when there is no errno.
 */
struct err {
	int number;    /* errno, or 0 when the text alone says it */
	int from_init; /* it happened in the container's init */
	char text[1600];
};

/* Records `what: text of errno (NAME)`; what is formatted. Return: -number, or -1 when number is 0. */
int err_set(struct err *e, int number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts `prefix: ` before a recorded text. Return: r, to be returned by the caller. */
int err_prefix(struct err *e, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Text of an errno in the words that engines match ("no such file or directory"), and its name. */
const char *err_text(int number);
const char *err_name(int number);

#endif
