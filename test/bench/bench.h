// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_TEST_BENCH_H
#define TSRUN_TEST_BENCH_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MAX_RUNTIMES 8

/* What is measured, in the order in which it is printed. */
enum metric {
	CREATE,
	START,
	STATE,
	DELETE,
	LIFECYCLE, /* create + start + end of the process + delete, as one span of time */
	RUN,
	EXEC_FIRST,	    /* in a container */
	EXEC,		    /* the same again, as health probes do */
	EXEC_PROCESS_FIRST, /* with a --process file, as containerd and Podman do */
	EXEC_PROCESS,
	CREATE_NEW,  /* of a config like none before, which no cache can answer */
	CREATE_PEAK, /* kB: largest resident size among the processes that a create had */
	INIT_RSS,    /* kB: init between create and start */
	INIT_PSS,
	METRIC_COUNT
};

struct runtime {
	const char *name;
	const char *path;
	char root[PATH_MAX]; /* its --root */
	char failure[256];   /* why it is out of the comparison; "" while it is in */
};

struct samples {
	double *values;
	size_t count;
};

/* One config: all samples of it, by runtime. */
struct variant {
	const char *name;
	char *template;
	struct samples samples[MAX_RUNTIMES][METRIC_COUNT];
};

struct bench {
	struct runtime runtimes[MAX_RUNTIMES];
	size_t runtime_count;
	struct variant variants[2];
	char *limit_template;
	const char *bundle;
	unsigned int open_files; /* limit of them that is written into configs */
	char work[64];		 /* state roots, pid files, the --process file: /run/bench-XXXXXX */
	char mark[32];		 /* starts the name of every container and cgroup */
	unsigned int containers;
	unsigned int rounds;
	bool memory;
};

/* --- process.c -------------------------------------------------------------------------------------------- */

struct call {
	int status; /* as wait(2) gives it */
	double ms;
	long peak_kb;
};

/* A container that exists, or may exist. */
struct container {
	struct runtime *runtime;
	char id[64];
	pid_t init; /* 0 unknown */
	bool reaped;
	int init_status;
	long orphan_peak_kb; /* of the processes that its calls left to us, init excepted */
};

/* Set by SIGINT and SIGTERM: everything returns soon, and what was made is removed. */
extern volatile sig_atomic_t interrupted;

void process_setup(void);

/* Where the calls' stderr goes: a file that is emptied now, or back to /dev/null. */
void stderr_capture(const char *path);
void stderr_discard(void);

double now_ms(void);

/* Runs `RUNTIME --root DIR ARGS...` and waits for it. Return: true when it exited with 0. */
bool call_runtime(const struct runtime *r, const char *const *args, struct call *call);

/* Waits until init has ended, and reaps it. Return: false when it did not end in time. */
bool init_wait(struct container *c);

/* Reaps whatever processes a container left to us. Return: false when one of them goes on running. */
bool orphans_wait(struct container *c);

/* --- container.c ------------------------------------------------------------------------------------------ */

void container_new(struct bench *b, struct container *c, struct runtime *r);

/* Writes the bundle's config.json: args is JSON (`"sleep","1000"`); limit 0 leaves it out. Return: true. */
bool config_write(struct bench *b, const struct container *c, const char *template,
		  const char *args, size_t limit);
bool container_create(struct bench *b, struct container *c, struct call *call);
bool container_do(struct container *c, const char *verb, const char *extra, struct call *call);

/* exec of what the file says. */
bool container_exec_file(struct container *c, const char *file, struct call *call);

/* Removes a container however far it came. */
void container_remove(struct container *c);

/* Rates of what /proc says of a process, in kB; -1 when it does not. */
long process_rss_kb(pid_t pid);
long process_pss_kb(pid_t pid);

/* Removes the cgroups whose name starts with the mark. Return: how many there were. */
unsigned int cgroups_remove(const char *mark);
void remove_tree(const char *path);

/* --- limit.c, report.c ------------------------------------------------------------------------------------ */

/* Smallest memory limit in kB with which create and start work and the process exits with 0; 0 when none does. */
size_t smallest_limit_kb(struct bench *b, struct runtime *r);

void report(struct bench *b);
double quantile(struct samples *s, double q);

#endif
