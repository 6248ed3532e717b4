// SPDX-License-Identifier: Apache-2.0
#include "keys.h"

#include <string.h>

static int parse_key(const char *text, size_t length)
{
	static const char controls[] = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
	const char *at;

	if (length == 1)
		return (unsigned char)text[0];
	if (length != 6 || strncmp(text, "ctrl-", 5) != 0 || !text[5])
		return -1;
	at = strchr(controls, text[5]);
	return at ? (int)(at - controls) : -1;
}

int keys_parse(struct keys *k, const char *text)
{
	*k = (struct keys){0};
	while (*text) {
		size_t length = strcspn(text, ",");
		int key = parse_key(text, length);

		if (key < 0 || k->count == KEYS)
			return -1;
		k->list[k->count++] = (unsigned char)key;
		text += length;
		if (*text == ',' && !*++text)
			return -1;
	}
	return 0;
}

size_t keys_take(struct keys *k, const unsigned char *typed, size_t length, unsigned char *to,
		 int *left)
{
	size_t out = 0;

	*left = 0;
	for (size_t i = 0; i < length; i++) {
		if (k->count > 0 && typed[i] == k->list[k->matched]) {
			if (++k->matched == k->count) {
				*left = 1;
				return out;
			}
			continue;
		}
		/* They were meant for the container after all. */
		memcpy(to + out, k->list, k->matched);
		out += k->matched;
		k->matched = k->count > 0 && typed[i] == k->list[0];
		if (!k->matched)
			to[out++] = typed[i];
	}
	return out;
}
