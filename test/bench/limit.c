// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>

#include "bench.h"

#define LARGEST_KB (64u << 10)
#define STEP_KB 32u
#define TRIES 3

/* True when a container with this limit is made, runs `true`, and `true` succeeds. */
static bool works(struct bench *b, struct runtime *r, size_t limit_kb)
{
	struct container c;
	struct call call;
	bool ok;

	container_new(b, &c, r);
	ok = config_write(b, &c, b->limit_template, "\"/bin/true\"", limit_kb << 10) &&
	     container_create(b, &c, &call) && container_do(&c, "start", NULL, &call) &&
	     init_wait(&c) && WIFEXITED(c.init_status) && WEXITSTATUS(c.init_status) == 0;
	container_remove(&c);
	return ok && !interrupted;
}

static bool works_always(struct bench *b, struct runtime *r, size_t limit_kb)
{
	for (int i = 0; i < TRIES; i++)
		if (!works(b, r, limit_kb))
			return false;
	return true;
}

size_t smallest_limit_kb(struct bench *b, struct runtime *r)
{
	size_t low = 0, high = LARGEST_KB;

	if (!works_always(b, r, high))
		return 0;
	while (high - low > STEP_KB && !interrupted) {
		size_t middle = (low + high) / 2;

		if (works_always(b, r, middle))
			high = middle;
		else
			low = middle;
	}
	return high;
}
