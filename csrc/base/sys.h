// SPDX-License-Identifier: Apache-2.0
/* Raw system calls that libc lacks. All: result or -1 with errno. */
#ifndef TSRUN_BASE_SYS_H
#define TSRUN_BASE_SYS_H

#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/mount.h and musl's sys/mount.h clash over MS_*; the few values that are needed stand here. */
#define TS_MS_RDONLY 1u
#define TS_MS_REMOUNT 32u
#define TS_MS_BIND 4096u
#define TS_MS_REC 16384u
#define TS_MS_UNBINDABLE (1u << 17)
#define TS_MS_PRIVATE (1u << 18)
#define TS_MS_SLAVE (1u << 19)
#define TS_MS_SHARED (1u << 20)
#define TS_MNT_DETACH 2
#define TS_UMOUNT_NOFOLLOW 8

/* Of linux/fs.h, which clashes as well. */
#define TS_RENAME_NOREPLACE 1u

static inline int sys_renameat2(int from, const char *from_path, int to, const char *to_path,
				unsigned int flags)
{
	return (int)syscall(SYS_renameat2, from, from_path, to, to_path, flags);
}

static inline int sys_open_tree(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path, flags);
}

static inline int sys_move_mount(int from, const char *from_path, int to, const char *to_path,
				 unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int sys_fsopen(const char *type, unsigned int flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

static inline int sys_fsconfig(int fd, unsigned int command, const char *key, const void *value,
			       int aux)
{
	return (int)syscall(SYS_fsconfig, fd, command, key, value, aux);
}

static inline int sys_fsmount(int fd, unsigned int flags, unsigned int attr)
{
	return (int)syscall(SYS_fsmount, fd, flags, attr);
}

static inline int sys_mount_setattr(int dirfd, const char *path, unsigned int flags,
				    struct mount_attr *attr)
{
	return (int)syscall(SYS_mount_setattr, dirfd, path, flags, attr, sizeof(*attr));
}

static inline int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode,
			      uint64_t resolve)
{
	struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

static inline pid_t sys_clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

static inline int sys_pidfd_open(pid_t pid, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static inline int sys_pidfd_send_signal(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

static inline int sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

#endif
