// SPDX-License-Identifier: Apache-2.0
/* tsrun: what users and shims run. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "front.h"
#include "log.h"
#include "seal.h"
#include "statedir.h"

#ifndef TSRUN_LIBSECCOMP
#define TSRUN_LIBSECCOMP "unknown"
#endif
#define SPEC_VERSION "1.3.0"

static int is_launch(enum verb verb)
{
	return verb == VERB_CREATE || verb == VERB_RUN || verb == VERB_EXEC;
}

/* A closed 0, 1 or 2 would be taken by the next file that is opened. */
static int repair_stdio(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return -1;
	return 0;
}

/* conmon ignores SIGPIPE and blocks others; neither is for us nor for containers. */
static void reset_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Installed under another name, it answers to that: callers look for the one that they know. */
/* The name that this program was called by. */
static const char *own_name(int argc, char **argv)
{
	const char *program = argc > 0 ? argv[0] : "", *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;

	return *name ? name : "tsrun";
}

static int print_version(const char *name)
{
	dprintf(1, "%s version %s\ncommit: %s\nspec: %s\nlibseccomp: %s\n", name, TSRUN_VERSION,
		TSRUN_COMMIT, SPEC_VERSION, TSRUN_LIBSECCOMP);
	return 0;
}

/* tsrun-plan, tsrun-seccomp and tsrun-systemd stand beside this program, or in ../libexec/tsrun when it is installed. */
static int find_companions(struct front *f, const char *directory)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/tsrun-plan", directory);
	if (access(path, F_OK) < 0)
		snprintf(path, sizeof(path), "%s/../libexec/tsrun", directory);
	else
		snprintf(path, sizeof(path), "%s", directory);
	f->libexec = strdup(path);
	return f->libexec ? 0 : -1;
}

/* Everything that is not urgent enough for C: list, ps, spec, features, explain, help. */
static int run_planner_program(const struct front *f, char **argv)
{
	char path[PATH_MAX + 64], self[PATH_MAX];
	ssize_t n;
	char *help[] = {argv[0] ? argv[0] : (char *)"tsrun", (char *)"--help", NULL};
	struct err e;

	snprintf(path, sizeof(path), "%s/tsrun-plan", f->libexec);
	/* For what only this program can do: find-orphans.ts. */
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n > 0) {
		self[n] = '\0';
		setenv("TSRUN_FRONT", self, 1);
	}
	execv(path, argv[0] && argv[1] ? argv : help);
	err_set(&e, errno, "execve \"%s\"", path);
	log_error(e.text);
	return 1;
}

/* tsrun-plan finds the same fault and prints the help with it. */
static int usage(const struct front *f, char **argv, const struct err *e)
{
	run_planner_program(f, argv);
	log_error(e->text);
	return 1;
}

/* Descriptors that were promised to the container have to exist before this process opens its own. */
static int check_preserved_fds(struct err *e, const struct args *a)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	long own = args_int(a, "preserve-fds"), count = own;

	if (fds && pid && atol(pid) == getpid())
		count += atol(fds);
	if (own < 0 || count < 0 || count > 4096)
		return err_set(e, 0, "--preserve-fds: %ld descriptors", count);
	for (int fd = 3; fd < 3 + count; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return err_set(e, errno, "unable to stat preserved-fd %d (of %ld)", fd - 2,
				       count);
	return (int)count;
}

/* Then the planner is started only when the one that is kept does not fit. */
static int expects_kept_plan(const struct front *f)
{
	return plan_cache_is_used(f->plans) ||
	       (f->args.verb == VERB_EXEC && exec_plan_is_kept(f->root, f->args.positionals[0]));
}

/*
 * For verbs that put a process into a container: the planner boots while this program copies itself into sealed memory
 * and goes on there. Return: 0 in the sealed copy, or < 0.
 */
static int prepare_launch(struct err *e, struct front *f, char **argv, int sealed,
			  const char *directory)
{
	int r, preserved;

	if (!sealed) {
		r = check_preserved_fds(e, &f->args);
		if (r >= 0 && !args_string(&f->args, "plan-fd") && !expects_kept_plan(f))
			r = front_start_planner(e, f, NULL);
		return r < 0 ? r : seal_enter(e, argv, directory, &f->planner);
	}
	preserved = check_preserved_fds(e, &f->args);
	if (preserved < 0)
		return preserved;
	/* What else the caller left open is neither for hooks nor for the container. */
	sys_close_range(3 + (unsigned int)preserved, ~0u, CLOSE_RANGE_CLOEXEC);
	return 0;
}

static int dispatch(struct front *f)
{
	switch (f->args.verb) {
	case VERB_CREATE:
		return verb_create(f);
	case VERB_START:
		return verb_start(f);
	case VERB_STATE:
		return verb_state(f);
	case VERB_KILL:
		return verb_kill(f);
	case VERB_DELETE:
		return verb_delete(f);
	case VERB_RUN:
		return verb_run(f);
	case VERB_EXEC:
		return verb_exec(f);
	case VERB_PAUSE:
		return verb_pause(f);
	case VERB_RESUME:
		return verb_resume(f);
	case VERB_MARKS:
		return verb_marks(f);
	case VERB_PROBE:
		return verb_probe(f);
	case VERB_HOLD:
		return verb_hold(f);
	case VERB_OOM:
		return verb_oom(f);
	case VERB_CHECKPOINT:
		return verb_checkpoint(f);
	case VERB_RESTORE:
		return verb_restore(f);
	case VERB_NONE:
	case VERB_OTHER:
	case VERB_ALL:
		break;
	}
	return 1;
}

static int find_directories(struct err *e, struct front *f)
{
	char path[PATH_MAX];
	int r = statedir_root(e, path, sizeof(path), args_string(&f->args, "root"));

	if (r < 0)
		return r;
	f->root = strdup(path);
	run_directory(path, sizeof(path), "tsrun-cache/seccomp");
	f->cache = strdup(path);
	run_directory(path, sizeof(path), "tsrun-cache/plans");
	f->plans = strdup(path);
	return f->root && f->cache && f->plans ? 0 : err_set(e, ENOMEM, "strdup");
}

static int run_verb(struct front *f, char **argv, int sealed, const char *directory)
{
	const struct args *a = &f->args;
	struct err e, unlogged;
	int r = find_directories(&e, f);

	if (r == 0 && is_launch(a->verb))
		r = prepare_launch(&e, f, argv, sealed, directory);
	if (log_open(&unlogged, args_string(a, "log"), args_string(a, "log-format"),
		     args_bool(a, "debug")) < 0) {
		e = unlogged;
		r = -1;
	}
	if (r < 0) {
		log_error(e.text);
		return a->verb == VERB_EXEC ? 255 : 1;
	}
	return dispatch(f);
}

int main(int argc, char **argv)
{
	struct front f = {.planner = {.socket = -1, .request = -1}};
	char directory[PATH_MAX];
	struct err e;
	int sealed, r;

	if (repair_stdio() < 0)
		return 1;
	reset_signals();
	sealed = seal_check(&e, directory, sizeof(directory), &f.planner);
	if (sealed < 0) {
		log_error(e.text);
		return 1;
	}
	if (find_companions(&f, directory) < 0)
		return 1;
	f.as_runc = strcmp(own_name(argc, argv), "runc") == 0;
	if (args_parse(&e, &f.args, argc, argv) < 0)
		return usage(&f, argv, &e);
	if (f.args.version)
		return print_version(own_name(argc, argv));
	if (f.args.help || f.args.verb == VERB_NONE || f.args.verb == VERB_OTHER)
		return run_planner_program(&f, argv);
	if (args_count_check(&e, &f.args) < 0)
		return usage(&f, argv, &e);
	r = run_verb(&f, argv, sealed, directory);
	planner_stop(&f.planner);
	planner_reap(&f.planner);
	return r;
}
