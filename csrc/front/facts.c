// SPDX-License-Identifier: Apache-2.0
/* What the planner is told about the host: it reads no file itself. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../base/io.h"
#include "request.h"

/* PROC_USER_INIT_INO of <linux/proc_ns.h> */
#define INITIAL_USER_NAMESPACE 0xeffffffdu

static void put_number(struct request *r, const char *key, unsigned long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", value);
	request_put_text(r, key, text);
}

static void put_time(struct request *r)
{
	struct timespec now;
	struct tm tm;
	char day[32], text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%09ldZ", day, now.tv_nsec);
	request_put_text(r, "time", text);
}

void request_put_moment(struct request *r)
{
	char cwd[PATH_MAX];

	put_time(r);
	put_number(r, "pid", (unsigned long)getpid());
	request_put_text(r, "cwd", getcwd(cwd, sizeof(cwd)) ? cwd : "/");
}

static void put_identity(struct request *r)
{
	char text[16];
	struct utsname name;
	mode_t mask = umask(077);

	umask(mask);
	put_number(r, "uid", getuid());
	put_number(r, "gid", getgid());
	snprintf(text, sizeof(text), "%04o", (unsigned int)mask);
	request_put_text(r, "umask", text);
	uname(&name);
	request_put_text(r, "kernel", name.release);
	request_put_text(r, "machine", name.machine);
}

static int put_proc(struct err *e, struct request *r, const char *key, const char *path)
{
	int result = request_put_file(e, r, key, AT_FDCWD, path);

	return result < 0 ? err_set(e, e->number, "read \"%s\" (is /proc mounted?)", path) : 0;
}

/* cgroups and resctrl wherever they are, a procfs where it belongs. */
static int is_relevant(const char *line)
{
	return strstr(line, " - cgroup") || strstr(line, " - resctrl ") ||
	       (strstr(line, " - proc ") && strstr(line, " /proc "));
}

/* Where a line of mountinfo goes on behind its first two numbers, which differ from one mount namespace to the next. */
static const char *skip_ids(const char *line)
{
	const char *at = strchr(line, ' ');

	at = at ? strchr(at + 1, ' ') : NULL;
	return at ? at : line;
}

/* Of all mounts only those that plans depend on: the others come and go with every container. */
static int put_mountinfo(struct err *e, struct request *r)
{
	int result = put_proc(e, r, "proc.mountinfo", "/proc/self/mountinfo");
	char *data, *to, *end;
	size_t length;

	if (result < 0)
		return result;
	data = to = request_last(r, &length);
	if (!data)
		return 0; /* request_finish tells */
	end = data + length;
	for (char *line = data, *next; line < end; line = next) {
		char *line_end = memchr(line, '\n', (size_t)(end - line));
		const char *rest;

		if (!line_end)
			break; /* the kernel ends every line */
		next = line_end + 1;
		*line_end = '\0';
		if (!is_relevant(line))
			continue;
		rest = skip_ids(line);
		memcpy(to, "0 0", 3);
		memmove(to + 3, rest, (size_t)(line_end - rest));
		to += 3 + (line_end - rest);
		*to++ = '\n';
	}
	request_shorten_last(r, (size_t)(to - data));
	return 0;
}

/* In the initial user namespace, whose inode the kernel fixes, maps are what they are; they cost two files. */
static int put_id_maps(struct err *e, struct request *r)
{
	static const char everything[] = "         0          0 4294967295\n";
	struct stat st;
	int result;

	if (stat("/proc/self/ns/user", &st) == 0 && st.st_ino == INITIAL_USER_NAMESPACE) {
		request_put_text(r, "proc.uid_map", everything);
		request_put_text(r, "proc.gid_map", everything);
		return 0;
	}
	result = put_proc(e, r, "proc.uid_map", "/proc/self/uid_map");
	if (result == 0)
		result = put_proc(e, r, "proc.gid_map", "/proc/self/gid_map");
	return result < 0 ? result : put_proc(e, r, "proc.setgroups", "/proc/self/setgroups");
}

static void put_controllers(struct request *r)
{
	static const char *const paths[] = {"/sys/fs/cgroup/cgroup.controllers",
					    "/sys/fs/cgroup/unified/cgroup.controllers"};
	char text[1024];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (read_small(AT_FDCWD, paths[i], text, sizeof(text)) >= 0) {
			request_put_text(r, "cgroup.controllers", text);
			return;
		}
}

/* Security modules that can label a process. */
static void put_lsm(struct request *r)
{
	char text[256], flag[8];
	int apparmor, selinux;

	if (read_small(AT_FDCWD, "/sys/kernel/security/lsm", text, sizeof(text)) > 0) {
		request_put_text(r, "lsm", text);
		return;
	}
	apparmor = read_small(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", flag,
			      sizeof(flag)) > 0 &&
		   flag[0] == 'Y';
	selinux = access("/sys/fs/selinux/status", F_OK) == 0;
	snprintf(text, sizeof(text), "%s%s%s", apparmor ? "apparmor" : "",
		 apparmor && selinux ? "," : "", selinux ? "selinux" : "");
	request_put_text(r, "lsm", text);
}

static void put_environment(struct request *r)
{
	static const char *const names[] = {"XDG_RUNTIME_DIR", "NOTIFY_SOCKET", "LISTEN_FDS",
					    "LISTEN_PID", "LISTEN_FDNAMES"};
	char key[32];
	const char *owner = getenv("LISTEN_PID");
	int ours = owner && atol(owner) == getpid();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (!value || (strncmp(names[i], "LISTEN_", 7) == 0 && !ours))
			continue;
		snprintf(key, sizeof(key), "env.%s", names[i]);
		request_put_text(r, key, value);
		r->unique |= ours;
	}
}

int request_put_facts(struct err *e, struct request *r, int with_cgroups)
{
	int result = 0;

	put_identity(r);
	put_lsm(r);
	put_environment(r);
	if (with_cgroups) {
		put_controllers(r);
		result = put_proc(e, r, "proc.cgroup", "/proc/self/cgroup");
		if (result == 0)
			result = put_mountinfo(e, r);
	} else {
		request_put_text(r, "proc.cgroup", "");
		request_put_text(r, "proc.mountinfo", "");
	}
	return result < 0 ? result : put_id_maps(e, r);
}
