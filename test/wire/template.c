// SPDX-License-Identifier: Apache-2.0
/*
 * Reads records from stdin: two words, the lengths of a template and of a config, then both. Writes for each: a word, the
 * length of the plan that they make (0: they do not fit), and the plan. A plan that does not decode ends the program with
 * status 3, unless there is a fourth argument.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../csrc/base/io.h"
#include "../../csrc/front/plan_cache.h"
#include "../../csrc/plan/plan.h"

static void *take(size_t length)
{
	/* Of exactly this size, so that a sanitizer sees the first byte behind it. */
	char *data = malloc(length ? length : 1);

	if (!data || read_full(0, data, length) < 0)
		exit(2);
	return data;
}

int main(int argc, char **argv)
{
	uint32_t head[2];

	if (argc < 4)
		return 2;
	while (read_full(0, head, sizeof(head)) == 0) {
		char *template = take(head[0]), *config = take(head[1]), *plan = NULL;
		struct plan_subject subject = {argv[1], argv[2], argv[3], {config, head[1]}, 0, 0};
		size_t length = 0;
		struct plan decoded;
		struct err e;
		uint32_t told = 0;

		if (template_fill_in(template, head[0], &subject, &plan, &length)) {
			if (plan_decode(&e, &decoded, plan, length) == 0)
				told = (uint32_t)length;
			else if (argc == 4)
				return 3;
		}
		if (write_full(1, &told, sizeof(told)) < 0 ||
		    write_full(1, plan ? plan : "", told) < 0)
			return 2;
		free(plan);
		free(template);
		free(config);
	}
	return 0;
}
