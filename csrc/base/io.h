// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_BASE_IO_H
#define TSRUN_BASE_IO_H

#include <stdint.h>
#include <sys/types.h>

/* Closes the fd a variable holds, unless it is negative. For _fd_close_. */
void fd_cleanup(int *fd);
#define _fd_close_ __attribute__((cleanup(fd_cleanup)))

/* Hands an owned fd over: the variable keeps -1. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

void free_cleanup(void *pointer);
#define _free_ __attribute__((cleanup(free_cleanup)))

/* Moves an fd above stdio, so that a closed 0, 1 or 2 is never taken for something else. Consumes fd. */
int fd_above_stdio(int fd);

/* Path of what an fd refers to: for the calls that take no descriptor, or none that is O_PATH. */
struct fd_link {
	char path[32];
};
struct fd_link fd_link(int fd);

/* Writes all of it, repeating after EINTR and short writes (blocking fds only). Return: 0 or -errno. */
int write_full(int fd, const void *data, size_t length);

/* Reads exactly length bytes. Return: 0, -errno, or -EPIPE at an early end of file. */
int read_full(int fd, void *data, size_t length);

/*
 * Reads to the end of file into fresh memory (one NUL is appended, not counted). limit bounds it (-EFBIG).
 * Return: length or -errno; *data is the caller's to free.
 */
ssize_t read_all(int fd, char **data, size_t limit);

/* The same for a path below dirfd; the path may be absolute. */
ssize_t read_file(int dirfd, const char *path, char **data, size_t limit);

/* Reads a small file into a buffer, NUL-terminated, without its trailing newlines. Return: length or -errno. */
ssize_t read_small(int dirfd, const char *path, char *buffer, size_t size);

/*
 * A new file in an open directory that has no name yet, so that nothing is left of it when its writer is killed; and the
 * name, in place of what has it. Return: fd or -errno; 0 or -errno.
 */
int file_begin(int dirfd);
int file_publish(int fd, int dirfd, const char *name);

/* Opens an existing file for writing and writes data with one write(2). Return: 0 or -errno. */
int write_once(int dirfd, const char *path, const void *data, size_t length);

/* One message on a socket, with up to one fd (fd < 0: none). Return: 0 or -errno. */
int message_send(int socket, const void *data, size_t length, int fd);

/*
 * One message from a socket; *fd gets a passed descriptor (close-on-exec) or -1, surplus ones are closed; fd may be NULL.
 * Return: length, 0 at end of file, or -errno.
 */
ssize_t message_receive(int socket, void *data, size_t size, int *fd);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t now_ms(void);
void sleep_ms(unsigned int ms);

#endif
