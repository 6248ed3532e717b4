// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const struct {
	const char *name;
	const char *unit;
	int digits;
} metrics[METRIC_COUNT] = {
	[CREATE] = {"create", "ms", 2},
	[START] = {"start", "ms", 2},
	[STATE] = {"state", "ms", 2},
	[DELETE] = {"delete", "ms", 2},
	[LIFECYCLE] = {"create+start+delete", "ms", 2},
	[RUN] = {"run true", "ms", 2},
	[EXEC_FIRST] = {"exec true, the first", "ms", 2},
	[EXEC] = {"exec true, repeated", "ms", 2},
	[EXEC_PROCESS_FIRST] = {"exec file, the first", "ms", 2},
	[EXEC_PROCESS] = {"exec file, repeated", "ms", 2},
	[CREATE_NEW] = {"create, new shape", "ms", 2},
	[CREATE_PEAK] = {"create, peak RSS", "kB", 0},
	[INIT_RSS] = {"waiting init, RSS", "kB", 0},
	[INIT_PSS] = {"waiting init, PSS", "kB", 0},
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The nearest rank: a value that was measured. */
double quantile(struct samples *s, double q)
{
	size_t rank = (size_t)ceil(q * (double)s->count);

	qsort(s->values, s->count, sizeof(*s->values), compare);
	return s->count ? s->values[rank ? rank - 1 : 0] : NAN;
}

/* Prints the median of a runtime as a multiple of another's, or nothing. */
static void ratio(struct bench *b, struct variant *v, enum metric metric, size_t own,
		  const char *other)
{
	for (size_t i = 0; i < b->runtime_count; i++) {
		struct runtime *r = &b->runtimes[i];

		if (strcmp(r->name, other) != 0 || r->failure[0])
			continue;
		printf("%9.2f", quantile(&v->samples[own][metric], 0.5) /
					quantile(&v->samples[i][metric], 0.5));
		return;
	}
	printf("%9s", "-");
}

static void print_row(struct bench *b, struct variant *v, enum metric metric, size_t i)
{
	struct samples *s = &v->samples[i][metric];
	const struct runtime *r = &b->runtimes[i];

	if (r->failure[0] || s->count == 0)
		return;
	printf("%-21s %-3s %-8s", metrics[metric].name, metrics[metric].unit, r->name);
	printf("%10.*f%10.*f%10.*f", metrics[metric].digits, quantile(s, 0.1),
	       metrics[metric].digits, quantile(s, 0.5), metrics[metric].digits, quantile(s, 0.9));
	ratio(b, v, metric, i, "crun");
	ratio(b, v, metric, i, "runc");
	putchar('\n');
}

static void print_limits(struct bench *b)
{
	printf("\nsmallest memory limit with which create, start and true work\n");
	for (size_t i = 0; i < b->runtime_count && !interrupted; i++) {
		struct runtime *r = &b->runtimes[i];
		size_t kb;

		if (r->failure[0])
			continue;
		kb = smallest_limit_kb(b, r);
		if (kb)
			printf("%-8s %6zu kB\n", r->name, kb);
		else
			printf("%-8s none up to 64 MB\n", r->name);
		fflush(stdout);
	}
}

void report(struct bench *b)
{
	for (size_t n = 0; n < 2; n++) {
		struct variant *v = &b->variants[n];

		printf("\nconfig: %s\n%-21s %-3s %-8s%10s%10s%10s%9s%9s\n", v->name, "", "",
		       "runtime", "p10", "median", "p90", "/ crun", "/ runc");
		for (enum metric m = 0; m < METRIC_COUNT; m++)
			for (size_t i = 0; i < b->runtime_count; i++)
				print_row(b, v, m, i);
	}
	fflush(stdout);
	if (b->memory)
		print_limits(b);
}
