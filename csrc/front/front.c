// SPDX-License-Identifier: Apache-2.0
#include "front.h"

#include <string.h>

#include "log.h"

int front_fail(struct front *f, const struct err *e)
{
	log_error(f->refusal ? f->refusal : e->text);
	return f->exit_code ? f->exit_code : 1;
}

void front_host(const struct front *f, struct host *h, const struct plan *plan, int *slots)
{
	memset(h, 0, sizeof(*h));
	h->plan = plan;
	h->slots = slots;
	h->cache_dir = f->cache;
	h->libexec_dir = f->libexec;
	h->warn = log_warning;
}

int front_plan(struct err *e, struct front *f, struct request *r, char **bytes, size_t *length,
	       struct plan *plan)
{
	const char *plan_fd = args_string(&f->args, "plan-fd");
	int result;

	if (plan_fd) {
		result = planner_read_plan(e, plan_fd, bytes, length);
	} else {
		result = request_finish(e, r);
		if (result == 0)
			result = planner_ask(e, &f->planner, r->data, r->length, bytes, length);
		planner_stop(&f->planner);
	}
	if (result > 0) {
		f->refusal = *bytes;
		f->exit_code = result;
		*bytes = NULL;
		return -1;
	}
	if (result == 0)
		result = plan_decode(e, plan, *bytes, *length);
	if (result < 0)
		return result;
	log_debug("plan: %zu bytes, %u slots", *length, plan->slot_count);
	for (uint32_t i = 0; i < plan->warning_count; i++)
		log_warning(plan_string(plan, plan->warnings[i]));
	return 0;
}
