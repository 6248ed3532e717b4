// SPDX-License-Identifier: Apache-2.0
/* Sections that run on the host side. */
#include <string.h>
#include <unistd.h>

#include "../ops/context.h"
#include "exec.h"

static int run(struct err *e, struct host *h, enum section section, int all)
{
	int none[MAX_SLOTS];
	struct context c = {.plan = h->plan,
			    .slots = h->slots,
			    .pid = h->pid,
			    .start_time = h->start_time,
			    .status = h->status,
			    .owner = h->owner,
			    .cache_dir = h->cache_dir,
			    .libexec_dir = h->libexec_dir,
			    .warn = h->warn,
			    .vacancy_checked = h->vacancy_checked,
			    .failed = h->failed,
			    .unit_taken = h->unit_taken,
			    .criu = h->criu,
			    .socket = -1,
			    .root = -1,
			    .proc = -1,
			    .empty = -1,
			    .master = -1,
			    .slave = -1};
	int r;

	if (h->plan->sections[section].count == 0)
		return 0;
	if (!c.slots) {
		for (uint32_t i = 0; i < h->plan->slot_count; i++)
			none[i] = -1;
		c.slots = none;
	}
	r = ops_run(e, &c, section, all, NULL);
	for (uint32_t i = 0; c.slots == none && i < h->plan->slot_count; i++)
		if (none[i] >= 0)
			close(none[i]);
	h->unit_taken = c.unit_taken;
	h->pid = c.pid;
	h->master = c.master;
	return r;
}

int host_run(struct err *e, struct host *h, enum section section)
{
	return run(e, h, section, 0);
}

int host_run_all(struct err *e, struct host *h, enum section section)
{
	return run(e, h, section, 1);
}

int host_check_vacant(struct err *e, struct host *h)
{
	const struct ops *ops = &h->plan->sections[SECTION_PREPARE];
	const uint32_t *cursor = ops->words;
	struct context c = {.plan = h->plan};

	for (uint32_t i = 0; i < ops->count; i++) {
		struct op op;
		int r;

		plan_next(h->plan, &cursor, &op);
		if (op.code != OP_CGROUP_VACANT)
			continue;
		r = op_run(e, &c, &op);
		if (r < 0 && !(e->number && op_tolerates(op.tolerate, e->number)))
			return err_prefix(e, r, "%s", op.label);
	}
	h->vacancy_checked = 1;
	return 0;
}
