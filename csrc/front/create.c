// SPDX-License-Identifier: Apache-2.0
#include "launch.h"

int verb_create(struct front *f)
{
	struct launch l;
	struct err e = {0};
	int r;

	launch_init(&l, f);
	r = launch_plan(&e, &l, 1);
	if (r == 0)
		r = launch_begin(&e, &l, NULL, 1);
	if (r == 0)
		r = launch_commit(&e, &l);
	if (r < 0)
		launch_undo(&l);
	launch_end(&l);
	return r < 0 ? front_fail(f, &e) : 0;
}
