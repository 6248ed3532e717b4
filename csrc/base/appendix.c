// SPDX-License-Identifier: Apache-2.0
#include "appendix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGN '\x1a'
#define FIRST 'A'
#define MOST 8

static char *appendices[MOST];

struct appendix_mark appendix_add(char *text)
{
	struct appendix_mark mark = {{SIGN, FIRST + MOST, '\0'}};

	for (int i = 0; i < MOST; i++) {
		if (appendices[i])
			continue;
		appendices[i] = text;
		mark.text[1] = (char)(FIRST + i);
		return mark;
	}
	free(text);
	return mark;
}

const char *appendix_find(const char *text, size_t *at)
{
	for (const char *sign = strchr(text, SIGN); sign; sign = strchr(sign + 1, SIGN)) {
		int index = sign[1] - FIRST;

		if (index < 0 || index > MOST)
			continue;
		*at = (size_t)(sign - text);
		return index < MOST && appendices[index] ? appendices[index] : "";
	}
	return NULL;
}

char *appendix_expand(const char *text)
{
	size_t at = 0, room;
	const char *appendix = appendix_find(text, &at);
	char *whole;

	if (!appendix)
		return strdup(text);
	room = strlen(text) + strlen(appendix) + 1;
	whole = malloc(room);
	if (whole)
		snprintf(whole, room, "%.*s%s%s", (int)at, text, appendix, text + at + 2);
	return whole;
}
