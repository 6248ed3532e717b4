// SPDX-License-Identifier: Apache-2.0
/*
 * bench [--rounds N] [--no-limit] --bundle DIR --templates DIR NAME=PATH...
 *
 * Times runtimes side by side: in every round each runtime does the same with the same bundle, in turn, and the one that
 * begins changes from round to round. Called by cmd/dev/bench.sh.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define WARM_UP 3
#define USUAL_FILES 1024

static const char *const sleeps = "\"/bin/sleep\",\"1000\"";
static const char *const succeeds = "\"/bin/true\"";

/* As containerd writes it. */
static const char *const process =
	"{\"user\":{\"uid\":0,\"gid\":0,\"additionalGids\":[0,10]},\"args\":[\"/bin/true\"],"
	"\"env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
	"\"HOSTNAME=bench\"],\"cwd\":\"/\",\"capabilities\":{\"bounding\":[\"CAP_KILL\"],"
	"\"effective\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"]},\"noNewPrivileges\":true}\n";

static char *read_file(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	char *text;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.json", dir, name);
	f = fopen(path, "re");
	if (!f || fstat(fileno(f), &st) < 0 || !(text = calloc(1, (size_t)st.st_size + 1)) ||
	    fread(text, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
		perror(path);
		exit(1);
	}
	fclose(f);
	return text;
}

/* Takes a runtime out of the comparison, with the reason and what it printed. */
static void fail(struct bench *b, struct runtime *r, const char *what, const struct call *call)
{
	char path[PATH_MAX], line[160] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/stderr", b->work);
	f = fopen(path, "re");
	if (f) {
		line[fread(line, 1, sizeof(line) - 1, f)] = '\0';
		line[strcspn(line, "\n")] = '\0';
		fclose(f);
		f = fopen(path, "we"); /* the next one's message is its own */
		if (f)
			fclose(f);
	}
	snprintf(r->failure, sizeof(r->failure), "%s gave %s%d: %s", what,
		 call->status >= 0 && WIFSIGNALED(call->status) ? "signal " : "status ",
		 call->status < 0	     ? call->status
		 : WIFSIGNALED(call->status) ? WTERMSIG(call->status)
					     : WEXITSTATUS(call->status),
		 line[0] ? line : "(no message)");
}

static void add(struct variant *v, size_t i, enum metric metric, double value)
{
	struct samples *s = &v->samples[i][metric];

	if (value >= 0)
		s->values[s->count++] = value;
}

static bool exec_file(struct bench *b, struct container *c, struct call *call)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/process.json", b->work);
	return container_exec_file(c, path, call);
}

/* create, state, start, exec and delete of one container that sleeps, each timed alone. */
static bool measure_steps(struct bench *b, struct variant *v, size_t i)
{
	struct runtime *r = &b->runtimes[i];
	static const struct {
		const char *verb;
		const char *argument;
		enum metric metric;
	} steps[] = {{"state", NULL, STATE},
		     {"start", NULL, START},
		     {"exec", "/bin/true", EXEC_FIRST},
		     {"exec", "/bin/true", EXEC},
		     {"exec", NULL, EXEC_PROCESS_FIRST},
		     {"exec", NULL, EXEC_PROCESS}};
	struct container c;
	struct call call;
	long peak;

	container_new(b, &c, r);
	if (!config_write(b, &c, v->template, sleeps, 0))
		return false;
	if (!container_create(b, &c, &call)) {
		fail(b, r, "create", &call);
		container_remove(&c);
		return false;
	}
	peak = call.peak_kb;
	add(v, i, CREATE, call.ms);
	add(v, i, INIT_RSS, (double)process_rss_kb(c.init));
	add(v, i, INIT_PSS, (double)process_pss_kb(c.init));
	for (size_t n = 0; n < sizeof(steps) / sizeof(steps[0]); n++) {
		bool file =
			steps[n].metric == EXEC_PROCESS_FIRST || steps[n].metric == EXEC_PROCESS;

		if (!(file ? exec_file(b, &c, &call)
			   : container_do(&c, steps[n].verb, steps[n].argument, &call))) {
			fail(b, r, steps[n].verb, &call);
			container_remove(&c);
			return false;
		}
		add(v, i, steps[n].metric, call.ms);
	}
	if (!container_do(&c, "kill", "KILL", &call) || !init_wait(&c)) {
		fail(b, r, "kill", &call);
		container_remove(&c);
		return false;
	}
	if (!container_do(&c, "delete", NULL, &call)) {
		fail(b, r, "delete", &call);
		container_remove(&c);
		return false;
	}
	add(v, i, DELETE, call.ms);
	if (!orphans_wait(&c)) {
		snprintf(r->failure, sizeof(r->failure), "a process outlives the container");
		return false;
	}
	add(v, i, CREATE_PEAK, (double)(peak > c.orphan_peak_kb ? peak : c.orphan_peak_kb));
	return true;
}

/* The whole life of a container that ends by itself. */
static bool measure_lifecycle(struct bench *b, struct variant *v, size_t i)
{
	struct runtime *r = &b->runtimes[i];
	const char *step = "create";
	struct container c;
	struct call call;
	double begin;
	bool ok;

	container_new(b, &c, r);
	if (!config_write(b, &c, v->template, succeeds, 0))
		return false;
	begin = now_ms();
	ok = container_create(b, &c, &call);
	if (ok && (step = "start"))
		ok = container_do(&c, step, NULL, &call) && init_wait(&c);
	if (ok && (step = "delete"))
		ok = container_do(&c, step, NULL, &call);
	if (!ok) {
		fail(b, r, step, &call);
		container_remove(&c);
		return false;
	}
	add(v, i, LIFECYCLE, now_ms() - begin);
	orphans_wait(&c);
	return true;
}

/* Nothing else in the rounds has this limit, so that the config has a shape of its own. */
static bool measure_new_shape(struct bench *b, struct variant *v, size_t i)
{
	struct runtime *r = &b->runtimes[i];
	struct container c;
	struct call call;
	bool ok;

	container_new(b, &c, r);
	b->open_files = USUAL_FILES + b->containers;
	ok = config_write(b, &c, v->template, succeeds, 0);
	b->open_files = USUAL_FILES;
	if (!ok)
		return false;
	ok = container_create(b, &c, &call);
	if (ok)
		add(v, i, CREATE_NEW, call.ms);
	else
		fail(b, r, "create", &call);
	container_remove(&c);
	return ok;
}

static bool measure_run(struct bench *b, struct variant *v, size_t i)
{
	struct runtime *r = &b->runtimes[i];
	struct container c;
	struct call call;
	const char *args[] = {"run", "--bundle", b->bundle, c.id, NULL};

	container_new(b, &c, r);
	if (!config_write(b, &c, v->template, succeeds, 0))
		return false;
	if (!call_runtime(r, args, &call)) {
		fail(b, r, "run", &call);
		container_remove(&c);
		return false;
	}
	add(v, i, RUN, call.ms);
	orphans_wait(&c);
	return true;
}

static void measure(struct bench *b, unsigned int round)
{
	for (size_t n = 0; n < 2; n++) {
		for (size_t turn = 0; turn < b->runtime_count && !interrupted; turn++) {
			size_t i = (turn + round) % b->runtime_count;

			if (b->runtimes[i].failure[0])
				continue;
			(void)(measure_steps(b, &b->variants[n], i) &&
			       measure_lifecycle(b, &b->variants[n], i) &&
			       measure_run(b, &b->variants[n], i) &&
			       measure_new_shape(b, &b->variants[n], i));
		}
	}
}

/* Rounds that do not count: they fill caches, and show a runtime's messages when it does not work here. */
static void warm_up(struct bench *b)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/stderr", b->work);
	for (unsigned int round = 0; round < WARM_UP && !interrupted; round++) {
		stderr_capture(path);
		measure(b, round);
	}
	stderr_discard();
	unlink(path);
	for (size_t n = 0; n < 2; n++)
		for (size_t i = 0; i < b->runtime_count; i++)
			for (enum metric m = 0; m < METRIC_COUNT; m++)
				b->variants[n].samples[i][m].count = 0;
}

static void add_runtime(struct bench *b, char *argument)
{
	struct runtime *r = &b->runtimes[b->runtime_count];
	char *equals = strchr(argument, '=');

	if (!equals || b->runtime_count == MAX_RUNTIMES) {
		fprintf(stderr, "bench: %s: give NAME=PATH, at most %d\n", argument, MAX_RUNTIMES);
		exit(2);
	}
	*equals = '\0';
	r->name = argument;
	r->path = equals + 1;
	b->runtime_count++;
}

static void parse(struct bench *b, int argc, char **argv)
{
	static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
						{"no-limit", no_argument, NULL, 'n'},
						{"bundle", required_argument, NULL, 'b'},
						{"templates", required_argument, NULL, 't'},
						{0}};
	const char *templates = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'r')
			b->rounds = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 'n')
			b->memory = false;
		else if (option == 'b')
			b->bundle = optarg;
		else if (option == 't')
			templates = optarg;
		else
			exit(2);
	}
	while (optind < argc)
		add_runtime(b, argv[optind++]);
	if (!templates || !b->bundle || b->runtime_count == 0 || b->rounds == 0) {
		fprintf(stderr, "usage: bench --bundle DIR --templates DIR NAME=PATH...\n");
		exit(2);
	}
	b->variants[0].name = "as `runc spec` writes it";
	b->variants[0].template = read_file(templates, "plain");
	b->variants[1].name = "with docker's seccomp profile";
	b->variants[1].template = read_file(templates, "seccomp");
	b->limit_template = read_file(templates, "limit");
}

static void write_process(const struct bench *b)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/process.json", b->work);
	f = fopen(path, "we");
	if (!f || fputs(process, f) < 0 || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static void prepare(struct bench *b)
{
	size_t most = b->rounds > WARM_UP ? b->rounds : WARM_UP;

	snprintf(b->work, sizeof(b->work), "/run/bench-XXXXXX");
	if (!mkdtemp(b->work)) {
		perror("/run");
		exit(1);
	}
	snprintf(b->mark, sizeof(b->mark), "%s", strrchr(b->work, '/') + 1);
	write_process(b);
	for (size_t i = 0; i < b->runtime_count; i++) {
		struct runtime *r = &b->runtimes[i];

		snprintf(r->root, sizeof(r->root), "%s/%s", b->work, r->name);
		mkdir(r->root, 0711);
		for (size_t n = 0; n < 2; n++)
			for (enum metric m = 0; m < METRIC_COUNT; m++)
				b->variants[n].samples[i][m].values = calloc(most, sizeof(double));
	}
}

int main(int argc, char **argv)
{
	static struct bench b = {.rounds = 50, .memory = true, .open_files = USUAL_FILES};
	unsigned int left;
	int status = 0;

	parse(&b, argc, argv);
	process_setup();
	prepare(&b);
	warm_up(&b);
	for (unsigned int round = 0; round < b.rounds && !interrupted; round++)
		measure(&b, round);
	if (!interrupted)
		report(&b);
	for (size_t i = 0; i < b.runtime_count; i++) {
		if (!b.runtimes[i].failure[0] || interrupted)
			continue;
		printf("\n%s is left out: %s\n", b.runtimes[i].name, b.runtimes[i].failure);
		status = 1;
	}
	left = cgroups_remove(b.mark);
	if (left)
		printf("\n%u cgroups had been left behind\n", left);
	remove_tree(b.work);
	return interrupted ? 130 : status;
}
