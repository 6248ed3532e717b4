// SPDX-License-Identifier: Apache-2.0
/* Locks a container for verbs that TypeScript runs, which has no flock(2): until standard input ends. */
#include <unistd.h>

#include "../base/io.h"
#include "container.h"
#include "front.h"

int verb_hold(struct front *f)
{
	struct statedir d = STATEDIR_INIT;
	struct err e = {0};
	const char *id = f->args.positionals[0];
	char byte;
	int r = statedir_check_id(&e, id);

	if (r == 0)
		r = statedir_open(&e, &d, f->root, id);
	if (r == 0)
		r = statedir_lock(&e, &d);
	if (r == 0 && write_full(1, "held\n", 5) == 0)
		while (read(0, &byte, 1) > 0)
			;
	statedir_close(&d);
	return r < 0 ? front_fail(f, &e) : 0;
}
