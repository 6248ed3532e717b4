// SPDX-License-Identifier: Apache-2.0
/* The keys that leave a container running: `ctrl-p,ctrl-q`. */
#ifndef TSRUN_MONITOR_KEYS_H
#define TSRUN_MONITOR_KEYS_H

#include <stddef.h>

#define KEYS 16

struct keys {
	unsigned char list[KEYS];
	size_t count, matched;
};

/* Return: 0, or -1 when the text names no keys. */
int keys_parse(struct keys *k, const char *text);

/*
 * Takes what was typed and leaves what is for the container in to (length + KEYS bytes). Return: its length; *left: the keys
 * were typed.
 */
size_t keys_take(struct keys *k, const unsigned char *typed, size_t length, unsigned char *to,
		 int *left);

#endif
