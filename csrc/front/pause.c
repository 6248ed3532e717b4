// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "container.h"
#include "front.h"

static int check_status(struct err *e, const struct container *c, enum section section)
{
	enum status status = container_status(c);

	if (section == SECTION_RESUME && status != STATUS_PAUSED)
		return err_set(e, 0, "container not paused");
	if (section == SECTION_PAUSE && status != STATUS_RUNNING && status != STATUS_CREATED)
		return err_set(e, 0, "container not running");
	if (!*c->plan.fields[FIELD_FREEZER])
		return err_set(e, 0, "container has no cgroup that can be frozen");
	return 0;
}

static int freeze(struct front *f, enum section section)
{
	struct container c = CONTAINER_INIT;
	struct host h;
	struct err e = {0};
	int r = container_open(&e, &c, f->root, f->args.positionals[0]);

	if (r == 0)
		r = statedir_lock(&e, &c.dir);
	if (r == 0)
		r = check_status(&e, &c, section);
	if (r == 0) {
		front_host(f, &h, &c.plan, NULL);
		h.pid = c.pid;
		r = host_run(&e, &h, section);
	}
	container_close(&c);
	return r < 0 ? front_fail(f, &e) : 0;
}

int verb_pause(struct front *f)
{
	return freeze(f, SECTION_PAUSE);
}

int verb_resume(struct front *f)
{
	return freeze(f, SECTION_RESUME);
}
