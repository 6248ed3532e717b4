/* SPDX-License-Identifier: Apache-2.0
 *
 * probe - the user process of the host tests: says as JSON what it sees from inside (`probe report`),
 * or tries one thing (see probe-try.c). It is static and needs nothing from the rootfs but itself.
 */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static int first = 1;

void json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void key(const char *name)
{
	printf(first ? "{" : ",\n");
	first = 0;
	json_string(name);
	putchar(':');
}

static void number(const char *name, long long value)
{
	key(name);
	printf("%lld", value);
}

static void string(const char *name, const char *value)
{
	key(name);
	if (value)
		json_string(value);
	else
		printf("null");
}

/* Reads a whole (small) file; NULL when that is not possible. */
static char *slurp(const char *path, size_t *length)
{
	static char buffer[1 << 18];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;

	if (fd < 0)
		return NULL;
	for (;;) {
		ssize_t n = read(fd, buffer + have, sizeof(buffer) - 1 - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	close(fd);
	buffer[have] = 0;
	if (length)
		*length = have;
	return buffer;
}

static void file(const char *name, const char *path)
{
	char *text = slurp(path, NULL);

	if (text && *text && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = 0;
	string(name, text);
}

static void lines(const char *name, const char *path)
{
	char *text = slurp(path, NULL);
	int comma = 0;

	key(name);
	if (!text) {
		printf("null");
		return;
	}
	putchar('[');
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (comma++)
			putchar(',');
		json_string(line);
	}
	putchar(']');
}

static void list(const char *name, char *const *items)
{
	key(name);
	putchar('[');
	for (int i = 0; items[i]; i++) {
		if (i)
			putchar(',');
		json_string(items[i]);
	}
	putchar(']');
}

/* The "Name:\tvalue" lines of /proc/self/status, as they are. */
static void status(void)
{
	char *text = slurp("/proc/self/status", NULL);
	int comma = 0;

	key("status");
	putchar('{');
	if (text) {
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
			char *colon = strchr(line, ':');

			if (!colon)
				continue;
			*colon++ = 0;
			while (*colon == ' ' || *colon == '\t')
				colon++;
			if (comma++)
				putchar(',');
			json_string(line);
			putchar(':');
			json_string(colon);
		}
	}
	putchar('}');
}

/* { name: link target } of a directory of symbolic links. */
static void links(const char *name, const char *dir)
{
	DIR *d = opendir(dir);
	int comma = 0;

	key(name);
	if (!d) {
		printf("null");
		return;
	}
	putchar('{');
	for (struct dirent *e; (e = readdir(d));) {
		char path[PATH_MAX], target[PATH_MAX];
		ssize_t n;

		if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(d))
			if (e->d_name[0] == '.' || strstr(dir, "/fd"))
				continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		if (comma++)
			putchar(',');
		json_string(e->d_name);
		putchar(':');
		json_string(target);
	}
	closedir(d);
	putchar('}');
}

static void rlimits(void)
{
	static const char *const names[] = {
		"CPU",	   "FSIZE", "DATA",  "STACK",	   "CORE",     "RSS",  "NPROC",	 "NOFILE",
		"MEMLOCK", "AS",    "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
	};

	key("rlimits");
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct rlimit r = {0, 0};

		getrlimit((int)i, &r);
		printf("%s\"RLIMIT_%s\":[\"%llu\",\"%llu\"]", i ? "," : "{", names[i],
		       (unsigned long long)r.rlim_cur, (unsigned long long)r.rlim_max);
	}
	putchar('}');
}

static void terminal(void)
{
	struct winsize size = {0, 0, 0, 0};

	key("tty");
	if (!isatty(0)) {
		printf("null");
		return;
	}
	ioctl(0, TIOCGWINSZ, &size);
	printf("{\"rows\":%d,\"columns\":%d,\"stdout\":%s,\"foreground\":%d,\"name\":", size.ws_row,
	       size.ws_col, isatty(1) ? "true" : "false", tcgetpgrp(0) == getpgrp());
	{
		char name[PATH_MAX];
		ssize_t n = readlink("/proc/self/fd/0", name, sizeof(name) - 1);

		name[n < 0 ? 0 : n] = 0;
		json_string(name);
	}
	putchar('}');
}

static void scheduling(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {.size = sizeof(attr)};
	cpu_set_t cpus;

	syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0);
	key("scheduler");
	printf("{\"policy\":%u,\"nice\":%d,\"priority\":%u,\"flags\":%llu,\"runtime\":%llu,"
	       "\"deadline\":%llu,\"period\":%llu}",
	       attr.policy, attr.nice, attr.priority, (unsigned long long)attr.flags,
	       (unsigned long long)attr.runtime, (unsigned long long)attr.deadline,
	       (unsigned long long)attr.period);
	number("ioPriority", syscall(SYS_ioprio_get, 1, 0));
	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	number("cpuCount", CPU_COUNT(&cpus));
}

static void memory_policy(void)
{
	unsigned long nodes[16] = {0};
	int mode = 0;

	/* An array larger than the kernel's own is fine, a smaller one is not. */
	if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof(nodes) * 8ul, NULL, 0ul) < 0)
		mode = -1;
	key("memoryPolicy");
	printf("{\"mode\":%d,\"nodes\":%lu}", mode, nodes[0]);
}

static void session_keyring(void)
{
	char text[256];
	/* KEYCTL_GET_KEYRING_ID 0, KEY_SPEC_SESSION_KEYRING -3, KEYCTL_DESCRIBE 6 */
	long id = syscall(SYS_keyctl, 0, -3L, 0L);
	long n = id < 0 ? -1 : syscall(SYS_keyctl, 6, id, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n < (long)sizeof(text) ? n : (long)sizeof(text) - 1] = 0;
	number("keyring", id);
	string("keyringText", n < 0 ? NULL : text);
}

static void groups(void)
{
	static gid_t list[65536];
	int n = getgroups(65536, list);

	key("groups");
	putchar('[');
	for (int i = 0; i < n; i++)
		printf("%s%u", i ? "," : "", list[i]);
	putchar(']');
}

static void report(char **argv)
{
	struct utsname names;
	char cwd[PATH_MAX];
	mode_t mask = umask(0);

	umask(mask);
	links("fds", "/proc/self/fd");
	number("pid", getpid());
	number("ppid", getppid());
	number("pgrp", getpgrp());
	number("sid", getsid(0));
	number("uid", getuid());
	number("gid", getgid());
	groups();
	status();
	number("umask", mask);
	file("oomScoreAdj", "/proc/self/oom_score_adj");
	number("cwdLength", syscall(SYS_getcwd, cwd, sizeof(cwd)));
	string("cwd", syscall(SYS_getcwd, cwd, sizeof(cwd)) > 0 ? cwd : NULL);
	list("env", environ);
	list("args", argv);
	links("namespaces", "/proc/self/ns");
	lines("mountinfo", "/proc/self/mountinfo");
	lines("cgroup", "/proc/self/cgroup");
	lines("uidMap", "/proc/self/uid_map");
	lines("gidMap", "/proc/self/gid_map");
	file("setgroups", "/proc/self/setgroups");
	lines("timeOffsets", "/proc/self/timens_offsets");
	file("label", "/proc/self/attr/current");
	uname(&names);
	string("hostname", names.nodename);
	string("domainname", names.domainname);
	string("machine", names.machine);
	number("personality", personality(0xffffffff));
	number("dumpable", prctl(PR_GET_DUMPABLE));
	rlimits();
	scheduling();
	memory_policy();
	session_keyring();
	terminal();
	printf("}\n");
}

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "report") == 0) {
		report(argv);
		return fflush(stdout) ? 1 : 0;
	}
	return try_all(argc - 1, argv + 1);
}
