// SPDX-License-Identifier: Apache-2.0
#include "stamp.h"

#include <stdio.h>
#include <string.h>

struct stamp stamp_of(const struct timespec *t)
{
	/* Lines of output come many at a time. */
	static struct timespec known = {.tv_sec = -1};
	static struct stamp stamp;
	struct tm tm;
	size_t length;

	if (t->tv_sec == known.tv_sec && t->tv_nsec == known.tv_nsec)
		return stamp;
	gmtime_r(&t->tv_sec, &tm);
	length = strftime(stamp.text, sizeof(stamp.text), "%Y-%m-%dT%H:%M:%S", &tm);
	length += (size_t)snprintf(stamp.text + length, sizeof(stamp.text) - length - 1, ".%09ld",
				   t->tv_nsec);
	while (stamp.text[length - 1] == '0')
		length--;
	if (stamp.text[length - 1] == '.')
		length--;
	stamp.text[length] = 'Z';
	stamp.text[length + 1] = '\0';
	known = *t;
	return stamp;
}

struct stamp stamp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return stamp_of(&now);
}
