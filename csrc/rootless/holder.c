// SPDX-License-Identifier: Apache-2.0
/*
 * A process that keeps a user's namespaces while no container does, and that ends when its file is removed. Monitors of
 * containers keep them, too: when only the holder was killed, another one takes its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/proc.h"
#include "rootless.h"

static int boot_id(char *text, size_t size)
{
	ssize_t n = read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, size);

	return n < 0 ? (int)n : 0;
}

int holder_read(int directory, struct holder *h)
{
	char text[256], boot[40];
	ssize_t n = read_small(directory, HOLDER_FILE, text, sizeof(text));
	long pid;
	unsigned long long start;

	if (n < 0)
		return (int)n;
	if (sscanf(text, "%ld %llu %llu %llu %39s", &pid, &start, &h->user_ns, &h->mount_ns,
		   h->boot) != 5 ||
	    pid <= 1)
		return -EPROTO;
	h->pid = (pid_t)pid;
	h->start = start;
	/* Numbers of namespaces and processes are given anew at each boot. */
	return boot_id(boot, sizeof(boot)) < 0 || strcmp(boot, h->boot) != 0 ? -ESTALE : 0;
}

static int write_file(struct err *e, int directory)
{
	struct stat user, mounts;
	struct proc_stat self;
	char boot[40];
	_fd_close_ int fd = file_begin(directory);
	int r = fd < 0 ? fd : proc_stat_read(getpid(), &self);

	if (r == 0 &&
	    (stat("/proc/self/ns/user", &user) < 0 || stat("/proc/self/ns/mnt", &mounts) < 0))
		r = -errno;
	if (r == 0)
		r = boot_id(boot, sizeof(boot));
	if (r == 0) {
		char text[256];
		int n = snprintf(text, sizeof(text), "%d %llu %llu %llu %s\n", (int)getpid(),
				 (unsigned long long)self.start_time,
				 (unsigned long long)user.st_ino, (unsigned long long)mounts.st_ino,
				 boot);

		r = write_full(fd, text, (size_t)n);
	}
	if (r == 0)
		r = file_publish(fd, directory, HOLDER_FILE);
	return r < 0 ? err_set(e, -r, "write of \"" HOLDER_FILE "\"") : 0;
}

static int bring_lo_up(struct err *e)
{
	_fd_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_set(e, errno, "SIOCSIFFLAGS \"lo\"");
	return 0;
}

/* The user's network, where those inside find it, whoever dies. */
static int pin_network(struct err *e, const char *directory)
{
	/* By its name: a descriptor from before belongs to the mounts that were left. */
	_fd_close_ int at = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_fd_close_ int fd = at < 0 ? -1
				   : openat(at, NETWORK_FILE,
					    O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(e, errno, "open \"%s/" NETWORK_FILE "\"", directory);
	if (mount("/proc/self/ns/net", fd_link(fd).path, NULL, MS_BIND, NULL) < 0)
		return err_set(e, errno, "mount \"%s/" NETWORK_FILE "\"", directory);
	/* Containers reach others through this network. */
	(void)write_once(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "1", 1);
	return 0;
}

static int make_mounts(struct err *e, const char *directory)
{
	int r;

	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		return err_set(e, errno, "unshare CLONE_NEWNS CLONE_NEWNET");
	/* What the host mounts from now on appears here as well, and never the other way round. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_set(e, errno, "mount \"/\" as slave");
	r = bring_lo_up(e);
	return r < 0 ? r : pin_network(e, directory);
}

static void leave_caller(int directory, int channel)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int last = (int)sysconf(_SC_OPEN_MAX);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		(void)dup2(null, fd);
	for (int fd = 3; fd < (last > 4096 ? 4096 : last); fd++)
		if (fd != directory && fd != channel)
			(void)close(fd);
	(void)setsid();
	(void)!chdir("/");
	(void)signal(SIGHUP, SIG_IGN);
	(void)prctl(PR_SET_NAME, "tsdock-rootless");
	/* Its user opens its namespaces, in spite of the ids that it has got since it was started. */
	(void)prctl(PR_SET_DUMPABLE, 1);
}

/* Until its file is another's, or none at all. */
static void hold(int watch)
{
	char buffer[4096] __attribute__((aligned(8)));
	ssize_t n;

	do {
		n = read(watch, buffer, sizeof(buffer));
	} while (n < 0 && errno == EINTR);
	_exit(0);
}

static void set_title(const struct namespaces *n)
{
	static const char title[] = "tsdock-rootless hold";

	memset(n->title, 0, n->title_size);
	if (n->title_size > sizeof(title))
		memcpy(n->title, title, sizeof(title));
}

static void tell(int channel, const struct err *e, int r)
{
	(void)!write(channel, r < 0 ? e->text : "", r < 0 ? strlen(e->text) + 1 : 1);
}

/* The rest of a holder's life. begun: what has failed so far. */
static _Noreturn void become_holder(const struct namespaces *n, int directory, int channel,
				    int begun, struct err *e)
{
	int watch, r = begun;

	leave_caller(directory, channel);
	set_title(n);
	if (r == 0)
		r = write_file(e, directory);
	watch = inotify_init1(IN_CLOEXEC);
	if (r == 0 && (fchdir(directory) < 0 ||
		       inotify_add_watch(watch, HOLDER_FILE, IN_DELETE_SELF | IN_ATTRIB) < 0))
		r = err_set(e, errno, "inotify_add_watch \"" HOLDER_FILE "\"");
	(void)!chdir("/");
	tell(channel, e, r);
	(void)close(channel);
	(void)close(directory);
	if (r < 0)
		_exit(1);
	hold(watch);
	_exit(0);
}

/* Waits for the word of a child. Return: 0, or -1 with e filled. */
static int listen_to(struct err *e, int channel, pid_t pid)
{
	ssize_t n = read(channel, e->text, sizeof(e->text) - 1);

	if (n == 1 && !e->text[0])
		return 0;
	if (n <= 0)
		return err_set(e, 0, "the process that makes the user's namespaces has ended");
	e->text[n] = '\0';
	e->number = 0;
	(void)waitpid(pid, NULL, 0);
	return -1;
}

static _Noreturn void make_in_child(const struct namespaces *n, int directory, int channel)
{
	static struct err e;
	char go = 0;
	int r = 0;

	if (unshare(CLONE_NEWUSER) < 0)
		r = err_set(&e, errno,
			    "unshare CLONE_NEWUSER (may users make namespaces? see "
			    "user.max_user_namespaces and "
			    "kernel.apparmor_restrict_unprivileged_userns of sysctl)");
	tell(channel, &e, r);
	if (r < 0 || read(channel, &go, 1) != 1)
		_exit(1);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		r = err_set(&e, errno, "setresuid 0");
	if (r == 0)
		r = make_mounts(&e, n->directory);
	become_holder(n, directory, channel, r, &e);
}

/* So that it outlives the caller's service, or login session. */
static void place(const struct namespaces *n, pid_t pid)
{
	struct scope_request request = {0};
	struct err e = {0};

	if (n->scope.program &&
	    (scope_begin(&e, &n->scope, &pid, 1, &request) < 0 || scope_end(&e, &request) < 0))
		fprintf(stderr,
			"tsdock: the process that holds the user's namespaces stays in its "
			"caller's unit of systemd, and ends with that: %s\n",
			e.text);
}

int holder_make(struct err *e, int directory, const struct namespaces *n)
{
	int channel[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
		return err_set(e, errno, "socketpair");
	pid = fork();
	if (pid == 0) {
		(void)close(channel[0]);
		make_in_child(n, directory, channel[1]);
	}
	(void)close(channel[1]);
	r = pid < 0 ? err_set(e, errno, "fork") : listen_to(e, channel[0], pid);
	if (r == 0)
		r = map_ids(e, pid, &n->maps);
	if (r == 0) {
		if (n->warning)
			fprintf(stderr, "tsdock: %s\n", n->warning);
		(void)!write(channel[0], "", 1);
		r = listen_to(e, channel[0], pid);
	}
	/* A child that was told nothing ends by that. */
	(void)close(channel[0]);
	if (r == 0)
		place(n, pid);
	return r;
}

int holder_replace(struct err *e, int directory, const struct namespaces *n)
{
	int channel[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
		return err_set(e, errno, "socketpair");
	pid = fork();
	if (pid == 0) {
		(void)close(channel[0]);
		become_holder(n, directory, channel[1], 0, e);
	}
	(void)close(channel[1]);
	r = pid < 0 ? err_set(e, errno, "fork") : listen_to(e, channel[0], pid);
	(void)close(channel[0]);
	if (r == 0)
		place(n, pid);
	return r;
}
