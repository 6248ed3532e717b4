/* SPDX-License-Identifier: Apache-2.0
 *
 * The attempts of probe: each prints one line `{"try":NAME,"ret":N,"errno":"NAME or empty"}`. Several are
 * separated by a word ",". Some end the process on purpose (exit, signal).
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const char *errno_name(int e)
{
	static const struct {
		int value;
		const char *name;
	} names[] = {
		{0, ""},
		{EPERM, "EPERM"},
		{ENOENT, "ENOENT"},
		{EACCES, "EACCES"},
		{EBUSY, "EBUSY"},
		{EEXIST, "EEXIST"},
		{ENOTDIR, "ENOTDIR"},
		{EISDIR, "EISDIR"},
		{EINVAL, "EINVAL"},
		{EROFS, "EROFS"},
		{ELOOP, "ELOOP"},
		{ENOSYS, "ENOSYS"},
		{ENOMEM, "ENOMEM"},
		{ENOSPC, "ENOSPC"},
		{ENODEV, "ENODEV"},
		{ENXIO, "ENXIO"},
		{EAGAIN, "EAGAIN"},
		{ETXTBSY, "ETXTBSY"},
		{EBADF, "EBADF"},
		{ESRCH, "ESRCH"},
		{ENOTTY, "ENOTTY"},
		{EXDEV, "EXDEV"},
		{EOPNOTSUPP, "EOPNOTSUPP"},
		{EIO, "EIO"},
		{E2BIG, "E2BIG"},
		{ESTALE, "ESTALE"},
		{ECHILD, "ECHILD"},
		{ENOTSOCK, "ENOTSOCK"},
		{ENETUNREACH, "ENETUNREACH"},
		{EAFNOSUPPORT, "EAFNOSUPPORT"},
		{EDOM, "EDOM"},
	};
	static char other[24];

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].value == e)
			return names[i].name;
	snprintf(other, sizeof(other), "%d", e);
	return other;
}

static void say(const char *name, long ret, int e)
{
	printf("{\"try\":");
	json_string(name);
	printf(",\"ret\":%ld,\"errno\":\"%s\"}\n", ret, ret < 0 ? errno_name(e) : "");
	fflush(stdout);
}

static long num(const char *s)
{
	return strtol(s, NULL, 0);
}

static long write_path(const char *path, const char *text, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644), saved;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	saved = errno;
	close(fd);
	errno = saved;
	return n;
}

static long stat_path(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -1;
	printf("{\"try\":\"stat\",\"path\":");
	json_string(path);
	printf(",\"ret\":0,\"errno\":\"\",\"mode\":%u,\"uid\":%u,\"gid\":%u,\"major\":%u,\"minor\":"
	       "%u,"
	       "\"size\":%lld,\"ino\":%llu}\n",
	       st.st_mode, st.st_uid, st.st_gid, major(st.st_rdev), minor(st.st_rdev),
	       (long long)st.st_size, (unsigned long long)st.st_ino);
	return 0;
}

/* Forks children that stay; Return: how many there were before fork failed. */
static long forks(long wanted)
{
	long n = 0;
	int e = 0;

	for (; n < wanted; n++) {
		pid_t pid = fork();

		if (pid < 0) {
			e = errno;
			break;
		}
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
	}
	errno = e;
	return n;
}

static long touch_memory(long mib)
{
	for (long i = 0; i < mib; i++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		if (p == MAP_FAILED)
			return -1;
		memset(p, 1, 1 << 20);
	}
	return mib;
}

static volatile sig_atomic_t got[65];

static void on_signal(int n)
{
	got[n] = 1;
}

/* Says "ready", then the number of each signal that arrives; TERM ends with status 10. */
static int trap(void)
{
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	for (int n = 1; n < 65; n++)
		if (n != SIGKILL && n != SIGSTOP && n != SIGCHLD && n != 32 && n != 33 && n != 34)
			signal(n, on_signal);
	printf("ready\n");
	fflush(stdout);
	sigdelset(&all, SIGKILL);
	sigemptyset(&old);
	for (;;) {
		sigsuspend(&old);
		for (int n = 1; n < 65; n++) {
			if (!got[n])
				continue;
			got[n] = 0;
			printf("signal %d\n", n);
			fflush(stdout);
			if (n == SIGTERM)
				return 10;
		}
	}
}

/* CPU time in ms that one busy wall-clock interval gave. */
static long burn(long ms)
{
	struct timespec from, now, cpu;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000 < ms);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	return cpu.tv_sec * 1000 + cpu.tv_nsec / 1000000;
}

static long read_path(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	if (n < 0)
		return -1;
	text[n] = 0;
	printf("{\"try\":\"read\",\"ret\":%zd,\"errno\":\"\",\"text\":", n);
	json_string(text);
	printf("}\n");
	return 0;
}

/* Tells a service manager. */
static long notify(const char *text)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (!path || fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	return sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, sizeof(address));
}

static long attempt(const char *name, int argc, char **a)
{
	const char *x = argc > 0 ? a[0] : "", *y = argc > 1 ? a[1] : "";

	if (!strcmp(name, "mkdir"))
		return mkdir(x, 0755);
	if (!strcmp(name, "mknod")) /* path c|b major minor */
		return argc < 4 ? -1
				: mknod(x, (*y == 'b' ? S_IFBLK : S_IFCHR) | 0666,
					makedev(num(a[2]), num(a[3])));
	if (!strcmp(name, "open")) /* path [flags] */
		return open(x, (int)num(y) | O_CLOEXEC | O_NONBLOCK);
	if (!strcmp(name, "write"))
		return write_path(x, y, O_WRONLY);
	if (!strcmp(name, "create"))
		return write_path(x, y, O_WRONLY | O_CREAT);
	if (!strcmp(name, "unlink"))
		return unlink(x);
	if (!strcmp(name, "chmod"))
		return chmod(x, (mode_t)num(y));
	if (!strcmp(name, "chown"))
		return chown(x, (uid_t)num(y), (gid_t)num(y));
	if (!strcmp(name, "mount")) /* source target type flags */
		return argc < 4 ? -1 : mount(x, y, a[2], (unsigned long)num(a[3]), NULL);
	if (!strcmp(name, "umount"))
		return umount2(x, MNT_DETACH);
	if (!strcmp(name, "unshare"))
		return unshare((int)num(x));
	if (!strcmp(name, "sethostname"))
		return sethostname(x, strlen(x));
	if (!strcmp(name, "setuid"))
		return setuid((uid_t)num(x));
	if (!strcmp(name, "chroot"))
		return chroot(x);
	if (!strcmp(name, "kill"))
		return kill((pid_t)num(x), (int)num(y));
	if (!strcmp(name, "ptrace"))
		return ptrace(PTRACE_SEIZE, (pid_t)num(x), 0, 0);
	if (!strcmp(name, "socket"))
		return socket((int)num(x), *y ? (int)num(y) : SOCK_STREAM, 0);
	if (!strcmp(name, "personality"))
		return personality((unsigned long)num(x));
	if (!strcmp(name, "getpid"))
		return syscall(SYS_getpid);
	if (!strcmp(name, "syscall")) /* number args... */
		return syscall(num(x), argc > 1 ? num(a[1]) : 0, argc > 2 ? num(a[2]) : 0,
			       argc > 3 ? num(a[3]) : 0, argc > 4 ? num(a[4]) : 0,
			       argc > 5 ? num(a[5]) : 0);
	if (!strcmp(name, "forks"))
		return forks(num(x));
	if (!strcmp(name, "memory"))
		return touch_memory(num(x));
	if (!strcmp(name, "burn"))
		return burn(num(x));
	if (!strcmp(name, "access"))
		return access(x, (int)num(y));
	if (!strcmp(name, "exec")) {
		char *const args[] = {a[0], NULL};

		return execv(x, args);
	}
	if (!strcmp(name, "notify"))
		return notify(x);
	if (!strcmp(name, "sleep"))
		return usleep((useconds_t)num(x) * 1000);
	errno = EDOM;
	return -1;
}

int try_all(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < argc;) {
		int end = i;
		const char *name = argv[i];
		char **a = argv + i + 1;
		long ret;

		while (end < argc && strcmp(argv[end], ",") != 0)
			end++;
		if (!strcmp(name, "exit"))
			return (int)num(a[0]);
		if (!strcmp(name, "signal")) {
			signal((int)num(a[0]), SIG_DFL);
			raise((int)num(a[0]));
			return 99;
		}
		if (!strcmp(name, "trap"))
			return trap();
		if (!strcmp(name, "stat") || !strcmp(name, "read")) {
			ret = *name == 's' ? stat_path(a[0]) : read_path(a[0]);
			if (ret < 0)
				say(name, ret, errno);
		} else {
			ret = attempt(name, end - i - 1, a);
			say(name, ret, errno);
		}
		i = end + 1;
	}
	return 0;
}
