// SPDX-License-Identifier: Apache-2.0
/* Compiled seccomp programs, kept on disk by the hash of their policy and by what has compiled them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "ops.h"

/* Makes the directory and those above it, as far as they are missing. */
static void make_directory(const char *path)
{
	char copy[PATH_MAX];
	size_t length = strlen(path);

	if (mkdir(path, 0700) == 0 || errno != ENOENT || length >= sizeof(copy))
		return;
	memcpy(copy, path, length + 1);
	for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(copy, 0700);
		*at = '/';
	}
	mkdir(copy, 0700);
}

/* Only a directory that nobody else can write to is trusted. Return: fd or -1. */
static int open_directory(const char *path)
{
	_fd_close_ int fd = -1;
	struct stat st;

	if (!path || *path != '/')
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		make_directory(path);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 077))
		return -1;
	return take_fd(&fd);
}

static int is_name(const char *key)
{
	return *key && *key != '.' && !strchr(key, '/') && strlen(key) <= 128;
}

/* FNV-1a: tells files apart, nobody has a use for two that collide. */
static uint64_t hash_add(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * 0x100000001b3u;
	return hash;
}

static uint64_t hash_file(uint64_t hash, const char *path)
{
	struct stat st = {0};

	if (stat(path, &st) < 0)
		return hash;
	hash = hash_add(hash, &st.st_ino, sizeof(st.st_ino));
	hash = hash_add(hash, &st.st_size, sizeof(st.st_size));
	return hash_add(hash, &st.st_mtim, sizeof(st.st_mtim));
}

/*
 * The name of a program: its policy, tsrun-seccomp, and libseccomp, which comes with the distribution. Which one that is can
 * be asked of tsrun-seccomp alone, and to run it is what the cache saves: so it is known by the list of all libraries, that
 * ldconfig writes when one is installed.
 */
static void name_program(char *name, size_t size, const char *key, const char *compiler)
{
	uint64_t hash = hash_file(0xcbf29ce484222325u, compiler);

	hash = hash_file(hash, "/etc/ld.so.cache");
	snprintf(name, size, "%s-%016llx", key, (unsigned long long)hash);
}

/* Those of other compilers are of no use any more. */
static void forget_others(int dir, const char *name, size_t key_length)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (list && (entry = readdir(list)))
		if (strncmp(entry->d_name, name, key_length) == 0 &&
		    strcmp(entry->d_name, name) != 0)
			unlinkat(dir, entry->d_name, 0);
	if (list)
		closedir(list);
	else if (fd >= 0)
		close(fd);
}

/* True for what can be a program: after a crash a file may have its size, but zeros inside. */
static int is_program(int fd)
{
	struct sock_filter first, last;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022))
		return 0;
	if (st.st_size <= 0 || st.st_size % (off_t)sizeof(first) ||
	    st.st_size > (off_t)(BPF_MAXINSNS * sizeof(first)))
		return 0;
	if (pread(fd, &first, sizeof(first), 0) != sizeof(first) ||
	    pread(fd, &last, sizeof(last), st.st_size - (off_t)sizeof(last)) != sizeof(last))
		return 0;
	return last.code == (BPF_RET | BPF_K) &&
	       (first.code == (BPF_RET | BPF_K) || first.code == (BPF_LD | BPF_W | BPF_ABS));
}

static int open_cached(int dir, const char *key)
{
	_fd_close_ int fd = -1;

	if (dir < 0)
		return -1;
	fd = openat(dir, key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && is_program(fd) ? take_fd(&fd) : -1;
}

/* All or nothing, and without it a container starts as well, only later. */
static void keep(int dir, const char *key, int program)
{
	_fd_close_ int fd = dir < 0 ? -1 : file_begin(dir);
	char chunk[4096];
	off_t at = 0;
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = pread(program, chunk, sizeof(chunk), at)) > 0) {
		if (write_full(fd, chunk, (size_t)n) < 0)
			return;
		at += n;
	}
	if (n == 0)
		file_publish(fd, dir, key);
}

int op_SECCOMP_PREPARE(struct err *e, struct context *c, const struct op *op)
{
	const char *key = op_string(c, op, 0);
	_fd_close_ int dir = is_name(key) ? open_directory(c->cache_dir) : -1;
	_fd_close_ int policy = -1, program = -1;
	char compiler[PATH_MAX], name[160] = "";
	char *const env[] = {NULL};
	int fd, status, r;

	if (snprintf(compiler, sizeof(compiler), "%s/tsrun-seccomp",
		     c->libexec_dir ? c->libexec_dir : "") >= (int)sizeof(compiler))
		return err_set(e, ENAMETOOLONG, "execve \"%.200s\"", compiler);
	if (dir >= 0)
		name_program(name, sizeof(name), key, compiler);
	fd = open_cached(dir, name);
	if (fd >= 0)
		return slot_put(c, op->args[3], fd);
	policy = memory_file(e, "policy", op_string(c, op, 1), op->args[2]);
	if (policy < 0)
		return policy;
	program = memory_file(e, "seccomp", "", 0);
	if (program < 0)
		return program;
	r = helper_run(e, c->libexec_dir, "tsrun-seccomp", env, (int[]){policy, program}, &status);
	if (r < 0)
		return r;
	fchmod(program, 0600);
	if (!is_program(program))
		return err_set(e, 0, "tsrun-seccomp printed no program");
	keep(dir, name, program);
	if (dir >= 0)
		forget_others(dir, name, strlen(key));
	return slot_put(c, op->args[3], take_fd(&program));
}
