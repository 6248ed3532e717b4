// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../base/io.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* What init's namespaces and root are said to be by the plan that made it. */
struct made {
	uint64_t namespaces; /* certainly others than the caller's */
	int chroot; /* its root was changed without pivot_root, so it is nowhere but in its processes */
};

static struct made read_plan(const struct plan *plan)
{
	const struct ops *ops = &plan->sections[SECTION_SETUP];
	struct made made = {.namespaces = plan->spawn.clone_flags};
	const uint32_t *cursor = ops->words;

	/* One that was joined may be the caller's, which does no harm; but nobody enters the user namespace where he is. */
	for (uint32_t i = 0; i < plan->spawn.join_count; i++)
		if (plan->spawn.joins[i].nstype != CLONE_NEWUSER)
			made.namespaces |= plan->spawn.joins[i].nstype;
	for (uint32_t i = 0; i < ops->count; i++) {
		struct op op;

		plan_next(plan, &cursor, &op);
		if (op.code == OP_UNSHARE)
			made.namespaces |= op.args[0];
		else if (op.code == OP_PIVOT)
			made.chroot = op.args[0] != 0;
	}
	return made;
}

/* Namespaces of init that are not ours already; to ask for each takes its time. */
static int foreign_namespaces(struct err *e, pid_t pid, uint64_t known, uint64_t *types)
{
	static const struct {
		const char *name;
		uint64_t type;
	} list[] = {{"user", CLONE_NEWUSER},	 {"mnt", CLONE_NEWNS},	 {"pid", CLONE_NEWPID},
		    {"net", CLONE_NEWNET},	 {"ipc", CLONE_NEWIPC},	 {"uts", CLONE_NEWUTS},
		    {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME}};
	struct stat ours, theirs;
	char path[64];

	*types = 0;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (known & list[i].type) {
			*types |= list[i].type;
			continue;
		}
		snprintf(path, sizeof(path), "/proc/self/ns/%s", list[i].name);
		if (stat(path, &ours) < 0)
			continue; /* a kernel without this kind */
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, list[i].name);
		if (stat(path, &theirs) < 0)
			return err_set(e, errno, "stat \"%s\"", path);
		if (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
			*types |= list[i].type;
	}
	return 0;
}

static int open_root(struct err *e, struct target *t, pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	t->root = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return t->root < 0 ? err_set(e, errno, "open \"%s\"", path) : 0;
}

int target_open(struct err *e, struct target *t, const struct container *c, int ignore_paused)
{
	struct made made = read_plan(&c->plan);
	int r;

	t->pidfd = container_pidfd(e, c);
	if (t->pidfd == -ESRCH)
		return err_set(e, 0, "cannot exec in a stopped container");
	if (t->pidfd < 0)
		return t->pidfd;
	if (!ignore_paused && container_is_frozen(c))
		return err_set(
			e, 0,
			"cannot exec in a paused container (use --ignore-paused to override)");
	r = foreign_namespaces(e, c->pid, made.namespaces, &t->namespaces);
	return r == 0 && made.chroot ? open_root(e, t, c->pid) : r;
}

void target_close(struct target *t)
{
	fd_cleanup(&t->pidfd);
	fd_cleanup(&t->root);
	*t = TARGET_INIT;
}
