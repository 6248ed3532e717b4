// SPDX-License-Identifier: Apache-2.0
/* Network namespaces that stay without a process: a mount of /proc/self/ns/net holds them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../base/io.h"
#include "net.h"

#define TS_NSFS_MAGIC 0x6e736673
#define TS_SIOCBRDELBR 0x89a1

static int interface_up(struct err *e, const char *name, int up)
{
	_fd_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};

	if (fd < 0)
		return err_set(e, errno, "socket AF_INET");
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return err_set(e, errno, "SIOCGIFFLAGS \"%s\"", name);
	request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_set(e, errno, "SIOCSIFFLAGS \"%s\"", name);
	return 0;
}

static int is_namespace(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == TS_NSFS_MAGIC;
}

int net_namespace_make(struct err *e, const char *path)
{
	_fd_close_ int fd = -1;
	int r;

	if (is_namespace(path))
		return 0;
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, errno, "open \"%s\"", path);
	if (unshare(CLONE_NEWNET) < 0)
		r = err_set(e, errno, "unshare CLONE_NEWNET");
	else
		r = interface_up(e, "lo", 1);
	if (r == 0) {
		/* Addresses are given by hand, to links that nobody else is on: looking for doubles takes IPv6 two seconds. */
		(void)write_once(AT_FDCWD, "/proc/sys/net/ipv6/conf/default/accept_dad", "0", 1);
		if (mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL) < 0)
			r = err_set(e, errno, "mount of the network namespace on \"%s\"", path);
	}
	if (r < 0)
		(void)unlink(path);
	return r;
}

int net_namespace_remove(struct err *e, const char *path)
{
	/* Whoever was cut off while making it may have mounted it twice. */
	while (is_namespace(path))
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return err_set(e, errno, "umount2 \"%s\"", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(e, errno, "unlink \"%s\"", path);
	return 0;
}

int net_bridge_remove(struct err *e, const char *name)
{
	_fd_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return err_set(e, errno, "socket AF_INET");
	if (if_nametoindex(name) == 0)
		return 0;
	r = interface_up(e, name, 0);
	if (r < 0)
		return r == -ENODEV ? 0 : r;
	return ioctl(fd, TS_SIOCBRDELBR, name) < 0 && errno != ENXIO
		       ? err_set(e, errno, "SIOCBRDELBR \"%s\"", name)
		       : 0;
}
