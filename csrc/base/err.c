// SPDX-License-Identifier: Apache-2.0
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct errno_entry {
	int number;
	const char *name;
	const char *text;
};

/*
 * libc's texts differ between libraries and in case; engines look for these words, so they are fixed here.
 * Numbers without an entry are printed as libc says.
 */
static const struct errno_entry entries[] = {
	{EPERM, "EPERM", "operation not permitted"},
	{ENOENT, "ENOENT", "no such file or directory"},
	{ESRCH, "ESRCH", "no such process"},
	{EINTR, "EINTR", "interrupted system call"},
	{EIO, "EIO", "input/output error"},
	{ENXIO, "ENXIO", "no such device or address"},
	{E2BIG, "E2BIG", "argument list too long"},
	{ENOEXEC, "ENOEXEC", "exec format error"},
	{EBADF, "EBADF", "bad file descriptor"},
	{ECHILD, "ECHILD", "no child processes"},
	{EAGAIN, "EAGAIN", "resource temporarily unavailable"},
	{ENOMEM, "ENOMEM", "cannot allocate memory"},
	{EACCES, "EACCES", "permission denied"},
	{EBUSY, "EBUSY", "device or resource busy"},
	{EEXIST, "EEXIST", "file exists"},
	{EXDEV, "EXDEV", "invalid cross-device link"},
	{ENODEV, "ENODEV", "no such device"},
	{ENOTDIR, "ENOTDIR", "not a directory"},
	{EISDIR, "EISDIR", "is a directory"},
	{EINVAL, "EINVAL", "invalid argument"},
	{ENFILE, "ENFILE", "too many open files in system"},
	{EMFILE, "EMFILE", "too many open files"},
	{ENOTTY, "ENOTTY", "inappropriate ioctl for device"},
	{ETXTBSY, "ETXTBSY", "text file busy"},
	{EFBIG, "EFBIG", "file too large"},
	{ENOSPC, "ENOSPC", "no space left on device"},
	{EROFS, "EROFS", "read-only file system"},
	{EMLINK, "EMLINK", "too many links"},
	{EPIPE, "EPIPE", "broken pipe"},
	{ERANGE, "ERANGE", "numerical result out of range"},
	{ENAMETOOLONG, "ENAMETOOLONG", "file name too long"},
	{ENOSYS, "ENOSYS", "function not implemented"},
	{ENOTEMPTY, "ENOTEMPTY", "directory not empty"},
	{ELOOP, "ELOOP", "too many levels of symbolic links"},
	{EOVERFLOW, "EOVERFLOW", "value too large for defined data type"},
	{EUSERS, "EUSERS", "too many users"},
	{ENOTSOCK, "ENOTSOCK", "socket operation on non-socket"},
	{EOPNOTSUPP, "EOPNOTSUPP", "operation not supported"},
	{EADDRINUSE, "EADDRINUSE", "address already in use"},
	{ECONNREFUSED, "ECONNREFUSED", "connection refused"},
	{ECONNRESET, "ECONNRESET", "connection reset by peer"},
	{ETIMEDOUT, "ETIMEDOUT", "connection timed out"},
	{EPROTO, "EPROTO", "protocol error"},
	{EPROTOTYPE, "EPROTOTYPE", "protocol wrong type for socket"},
	{EDQUOT, "EDQUOT", "disk quota exceeded"},
	{ELIBBAD, "ELIBBAD", "accessing a corrupted shared library"},
	{ENOKEY, "ENOKEY", "required key not available"},
};

static const struct errno_entry *find(int number)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (entries[i].number == number)
			return &entries[i];
	return NULL;
}

const char *err_text(int number)
{
	const struct errno_entry *entry = find(number);

	return entry ? entry->text : strerror(number);
}

const char *err_name(int number)
{
	static char other[16];
	const struct errno_entry *entry = find(number);

	if (entry)
		return entry->name;
	snprintf(other, sizeof(other), "errno %d", number);
	return other;
}

int err_set(struct err *e, int number, const char *format, ...)
{
	va_list ap;
	size_t n;

	e->from_init = 0;
	e->number = number;
	va_start(ap, format);
	vsnprintf(e->text, sizeof(e->text) - 80, format, ap);
	va_end(ap);
	n = strlen(e->text);
	if (number)
		snprintf(e->text + n, sizeof(e->text) - n, ": %s (%s)", err_text(number),
			 err_name(number));
	return number ? -number : -1;
}

int err_prefix(struct err *e, int r, const char *format, ...)
{
	char prefix[512];
	va_list ap;
	size_t n, have = strlen(e->text);

	va_start(ap, format);
	vsnprintf(prefix, sizeof(prefix) - 2, format, ap);
	va_end(ap);
	n = strlen(prefix);
	memcpy(prefix + n, ": ", 3);
	n += 2;
	if (have + n >= sizeof(e->text))
		have = sizeof(e->text) - n - 1;
	memmove(e->text + n, e->text, have);
	memcpy(e->text, prefix, n);
	e->text[n + have] = '\0';
	return r;
}
