// SPDX-License-Identifier: Apache-2.0
/*
 * tsdock-files: what tsdock does to trees of files. Names from layers, contexts and containers are resolved here alone, on
 * descriptors. Messages go to stderr; exit status 1 on failure, 2 for a wrong call, else that of the program run.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/proc.h"
#include "files.h"
#include "tree.h"

static const char usage[] =
	"usage: tsdock-files COMMAND [OPTION...] ARGUMENT...\n"
	"  apply [--source DIR] [--merge [--strict] | --flat | --below DIR...] DIR  make entries\n"
	"  walk [--follow] [--only] [--layer] [--skip PATH...] DIR PATH  write the entries there\n"
	"  lookup DIR                           write the entries at the paths on stdin\n"
	"  size DIR                             print the bytes of all files below DIR\n"
	"  read [--limit BYTES] DIR PATH        write the contents of a file in DIR\n"
	"  pack [--newest SECONDS] [--plain [--path PATH] [--as NAME] [--follow]] DIR  write a "
	"tar\n"
	"  run --target DIR [...] PROGRAM ARG... run a program beside an overlay mount\n"
	"  remove DIR                           remove DIR and all below it\n"
	"  lock [--shared] FILE                 hold a lock until stdin ends\n"
	"  bind --bind FILE [...] TARGET        mount FILE on TARGET, for others to see\n"
	"overlays: --target DIR [--upper DIR --work DIR] [--durable] [--seal] --lower DIR...\n"
	"in it: --bind FILE [--subpath PATH] [--readonly] [--alone] --at PATH\n"
	"--process PID:START: DIR may be -, for the root directory of that process\n"
	"--unprivileged: as in a user namespace; --old-mount: as before Linux 6.5\n";

#define MAX_LOWER 1000 /* of all overlays */
#define MAX_OVERLAYS 32
#define MAX_SKIP 1000
#define MAX_BINDS 256

struct options {
	struct apply_options apply;
	struct pack_options pack;
	struct overlay overlays[MAX_OVERLAYS];
	int overlay_count, lower_count, bind_count;
	struct bind binds[MAX_BINDS];
	const char *process;
	char *lower[MAX_LOWER], *below[MAX_LOWER];
	long long limit;
	struct walk_options walk;
	char *skip[MAX_SKIP];
	int shared, unprivileged, old_mount;
};

enum {
	SOURCE = 256,
	MERGE,
	FOLLOW,
	LIMIT,
	NEWEST,
	PLAIN,
	SHARED,
	TARGET,
	UPPER,
	WORK,
	LOWER,
	DURABLE,
	UNPRIVILEGED,
	SKIP,
	ONLY,
	BELOW,
	OLD_MOUNT,
	STRICT,
	LAYER,
	PATH,
	AS,
	SEAL,
	BIND,
	SUBPATH,
	READONLY,
	ALONE,
	AT,
	PROCESS,
	FLAT,
};

static const struct option long_options[] = {
	{"source", required_argument, NULL, SOURCE},
	{"merge", no_argument, NULL, MERGE},
	{"follow", no_argument, NULL, FOLLOW},
	{"limit", required_argument, NULL, LIMIT},
	{"newest", required_argument, NULL, NEWEST},
	{"plain", no_argument, NULL, PLAIN},
	{"shared", no_argument, NULL, SHARED},
	{"target", required_argument, NULL, TARGET},
	{"upper", required_argument, NULL, UPPER},
	{"work", required_argument, NULL, WORK},
	{"lower", required_argument, NULL, LOWER},
	{"durable", no_argument, NULL, DURABLE},
	{"unprivileged", no_argument, NULL, UNPRIVILEGED},
	{"skip", required_argument, NULL, SKIP},
	{"only", no_argument, NULL, ONLY},
	{"below", required_argument, NULL, BELOW},
	{"old-mount", no_argument, NULL, OLD_MOUNT},
	{"strict", no_argument, NULL, STRICT},
	{"layer", no_argument, NULL, LAYER},
	{"path", required_argument, NULL, PATH},
	{"as", required_argument, NULL, AS},
	{"seal", no_argument, NULL, SEAL},
	{"bind", required_argument, NULL, BIND},
	{"subpath", required_argument, NULL, SUBPATH},
	{"readonly", no_argument, NULL, READONLY},
	{"alone", no_argument, NULL, ALONE},
	{"at", required_argument, NULL, AT},
	{"process", required_argument, NULL, PROCESS},
	{"flat", no_argument, NULL, FLAT},
	{0},
};

static int number(struct err *e, const char *text, long long *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 10);
	return errno || !*text || *end || *value < 0 ? err_set(e, EINVAL, "the number \"%s\"", text)
						     : 0;
}

static int take_overlay_option(struct err *e, struct options *o, int option)
{
	struct overlay *last = o->overlay_count ? &o->overlays[o->overlay_count - 1] : NULL;

	if (option == TARGET) {
		if (o->overlay_count == MAX_OVERLAYS)
			return err_set(e, E2BIG, "more than %d overlays", MAX_OVERLAYS);
		o->overlays[o->overlay_count++] =
			(struct overlay){.target = optarg, .lower = o->lower + o->lower_count};
		return 0;
	}
	if (!last)
		return err_set(e, EINVAL, "an overlay without --target");
	if (option == UPPER)
		last->upper = optarg;
	else if (option == WORK)
		last->work = optarg;
	else if (option == DURABLE)
		last->durable = 1;
	else if (option == SEAL)
		last->seal = 1;
	else if (o->lower_count == MAX_LOWER)
		return err_set(e, E2BIG, "more than %d layers", MAX_LOWER);
	else {
		o->lower[o->lower_count++] = optarg;
		last->lower_count++;
	}
	return 0;
}

static int take_bind_option(struct err *e, struct options *o, int option)
{
	struct bind *last = o->bind_count ? &o->binds[o->bind_count - 1] : NULL;

	if (option == BIND) {
		if (o->bind_count == MAX_BINDS)
			return err_set(e, E2BIG, "more than %d binds", MAX_BINDS);
		o->binds[o->bind_count++] = (struct bind){
			.source = optarg,
			.root = o->overlay_count ? o->overlays[o->overlay_count - 1].target : "/",
		};
		return 0;
	}
	if (!last)
		return err_set(e, EINVAL, "an option without --bind");
	if (option == SUBPATH)
		last->subpath = optarg;
	else if (option == READONLY)
		last->readonly = 1;
	else if (option == ALONE)
		last->alone = 1;
	else
		last->at = optarg;
	return 0;
}

/* Those that a command takes for itself. Return: 0 when it is none. */
static int take_word(struct options *o, int option)
{
	switch (option) {
	case STRICT:
		o->apply.strict = 1;
		return 1;
	case FLAT:
		o->apply.flat = 1;
		return 1;
	case LAYER:
		o->walk.layer = 1;
		return 1;
	case PATH:
		o->pack.path = optarg;
		return 1;
	case AS:
		o->pack.as = optarg;
		return 1;
	case PROCESS:
		o->process = optarg;
		return 1;
	default:
		return 0;
	}
}

static int take_option(struct err *e, struct options *o, int option)
{
	switch (option) {
	case SOURCE:
		o->apply.source = optarg;
		return 0;
	case MERGE:
		o->apply.merge = 1;
		return 0;
	case FOLLOW:
		o->walk.follow = o->pack.follow = 1;
		return 0;
	case LIMIT:
		return number(e, optarg, &o->limit);
	case NEWEST:
		return number(e, optarg, &o->pack.newest);
	case PLAIN:
		o->pack.plain = 1;
		return 0;
	case SHARED:
		o->shared = 1;
		return 0;
	case ONLY:
		o->walk.only = 1;
		return 0;
	case SKIP:
		if (o->walk.skip_count == MAX_SKIP)
			return err_set(e, E2BIG, "more than %d paths to skip", MAX_SKIP);
		o->skip[o->walk.skip_count++] = optarg;
		return 0;
	case BELOW:
		if (o->apply.below_count == MAX_LOWER)
			return err_set(e, E2BIG, "more than %d layers", MAX_LOWER);
		o->below[o->apply.below_count++] = optarg;
		return 0;
	case OLD_MOUNT:
		o->old_mount = 1;
		return 0;
	case UNPRIVILEGED:
		o->apply.unprivileged = o->pack.unprivileged = o->unprivileged = 1;
		return 0;
	case TARGET:
	case UPPER:
	case WORK:
	case LOWER:
	case DURABLE:
	case SEAL:
		return take_overlay_option(e, o, option);
	case BIND:
	case SUBPATH:
	case READONLY:
	case ALONE:
	case AT:
		return take_bind_option(e, o, option);
	default:
		return take_word(o, option) ? 0 : err_set(e, EINVAL, "an unknown option");
	}
}

static int mount_overlays(struct err *e, struct options *o)
{
	int r = o->overlay_count ? files_private_mounts(e) : 0;

	for (int i = 0; r == 0 && i < o->overlay_count; i++) {
		o->overlays[i].unprivileged = o->unprivileged;
		o->overlays[i].old_mount = o->old_mount;
		r = files_mount_overlay(e, &o->overlays[i]);
	}
	/* Without an overlay there is no namespace of its own: then binds belong to the command `bind`. */
	for (int i = 0; r == 0 && o->overlay_count && i < o->bind_count; i++)
		r = o->binds[i].at ? files_bind(e, &o->binds[i])
				   : err_set(e, EINVAL, "a bind without --at");
	for (int i = 0; r == 0 && i < o->overlay_count; i++)
		if (o->overlays[i].seal)
			r = files_seal(e, o->overlays[i].target);
	return r;
}

/* Puts the root of a process in the place of "-". */
static int open_process(struct err *e, struct options *o, char **directory)
{
	static struct fd_link link; /* open until the end */
	int fd = files_process_root(e, o->process);

	if (fd < 0)
		return fd;
	link = fd_link(fd);
	if (directory && strcmp(*directory, "-") == 0)
		*directory = link.path;
	if (o->apply.source && strcmp(o->apply.source, "-") == 0)
		o->apply.source = link.path;
	return 0;
}

static int bind_one(struct err *e, struct options *o, char *target)
{
	struct bind *b = &o->binds[0];

	if (o->bind_count != 1 || b->at || *target != '/')
		return 2;
	b->root = "/";
	b->at = target;
	return files_bind(e, b);
}

static struct rlimit own_descriptors;

/* Each level of a tree holds a descriptor, and so does each layer of an overlay. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &own_descriptors) == 0) {
		limit = own_descriptors;
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int run_program(struct err *e, char **argv)
{
	(void)setrlimit(RLIMIT_NOFILE, &own_descriptors);
	execvp(argv[0], argv);
	return err_set(e, errno, "execvp \"%s\"", argv[0]);
}

static int wrong_call(void)
{
	fputs(usage, stderr);
	return 2;
}

static int dispatch(struct err *e, const char *command, struct options *o, int argc, char **argv)
{
	if (strcmp(command, "apply") == 0 && argc == 1)
		return files_apply(e, &o->apply, argv[0]);
	if (strcmp(command, "walk") == 0 && argc == 2)
		return files_walk(e, &o->walk, argv[0], argv[1]);
	if (strcmp(command, "lookup") == 0 && argc == 1)
		return files_lookup(e, argv[0]);
	if (strcmp(command, "size") == 0 && argc == 1)
		return files_size(e, argv[0]);
	if (strcmp(command, "bind") == 0 && argc == 1)
		return bind_one(e, o, argv[0]);
	if (strcmp(command, "read") == 0 && argc == 2)
		return files_read(e, argv[0], argv[1], o->limit);
	if (strcmp(command, "pack") == 0 && argc == 1)
		return files_pack(e, &o->pack, argv[0]);
	if (strcmp(command, "run") == 0 && argc >= 1)
		return run_program(e, argv);
	if (strcmp(command, "remove") == 0 && argc == 1)
		return files_remove(e, argv[0]);
	if (strcmp(command, "lock") == 0 && argc == 1)
		return files_lock(e, argv[0], o->shared);
	return 2;
}

int main(int argc, char **argv)
{
	static struct options o = {.pack = {.newest = -1}, .limit = LLONG_MAX};
	static struct err e;
	int option, r = 0;

	if (in_user_namespace())
		o.apply.unprivileged = o.pack.unprivileged = o.unprivileged = 1;
	o.walk.skip = o.skip;
	o.apply.below = o.below;
	if (argc < 2)
		return wrong_call();
	while (r == 0 && (option = getopt_long(argc - 1, argv + 1, "+", long_options, NULL)) != -1)
		r = take_option(&e, &o, option);
	allow_descriptors();
	if (r == 0)
		r = mount_overlays(&e, &o);
	if (r == 0 && o.process)
		r = open_process(&e, &o, optind < argc - 1 ? &argv[1 + optind] : NULL);
	if (r == 0)
		r = dispatch(&e, argv[1], &o, argc - 1 - optind, argv + 1 + optind);
	if (r == 2)
		return wrong_call();
	if (r < 0)
		fprintf(stderr, "%s\n", e.text);
	return r < 0;
}
