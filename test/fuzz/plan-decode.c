// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target of the plan decoder: decodes, then reads all that an accepted plan says. Driven by libFuzzer (clang), or by
 * driver.c: see cmd/dev/fuzz.sh.
 */
#include <stdlib.h>
#include <string.h>

#include "../wire/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	unsigned char *block = malloc(size ? size : 1);
	struct err e = {0};
	struct plan p;

	if (!nowhere && !(nowhere = fopen("/dev/null", "w")))
		abort();
	if (!block)
		abort();
	/* The length is made to fit: no fuzzer needs to find it, and all other checks come after it. */
	memcpy(block, data, size);
	if (size >= 12)
		memcpy(block + 8, &(uint32_t){(uint32_t)size}, 4);
	if (plan_decode(&e, &p, block, size) == 0)
		plan_print(nowhere, &p);
	else if (strlen(e.text) >= sizeof(e.text))
		abort();
	free(block);
	return 0;
}
