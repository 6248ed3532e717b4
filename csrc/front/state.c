// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "../base/io.h"
#include "container.h"
#include "front.h"

int verb_state(struct front *f)
{
	struct container c = CONTAINER_INIT;
	struct err e = {0};
	int r = container_open(&e, &c, f->root, f->args.positionals[0]);
	_free_ char *text = NULL;
	size_t length = 0;

	if (r == 0 && c.pid == 0 && statedir_is_locked(&c.dir))
		r = err_set(&e, 0, "container does not exist: %s (it is being created)", c.dir.id);
	if (r == 0) {
		const char *template = c.plan.fields[FIELD_STATE_OUTPUT];
		enum status status = container_status(&c);

		text = template_fill(template, strlen(template),
				     status == STATUS_STOPPED ? 0 : c.pid, status_name(status),
				     c.start_time, &length);
		r = text ? write_full(1, text, length) : -ENOMEM;
		if (r < 0)
			err_set(&e, -r, "write the state");
	}
	container_close(&c);
	return r < 0 ? front_fail(f, &e) : 0;
}
