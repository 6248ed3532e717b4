// SPDX-License-Identifier: Apache-2.0
#include "stamp.h"

#include <stdio.h>
#include <string.h>

struct stamp stamp_of(const struct timespec *t)
{
	/* Lines of output come many in a second. */
	static time_t known = -1;
	static char seconds[24];
	struct stamp stamp;
	size_t length;

	if (t->tv_sec != known) {
		struct tm tm;

		gmtime_r(&t->tv_sec, &tm);
		strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
		known = t->tv_sec;
	}
	length = (size_t)snprintf(stamp.text, sizeof(stamp.text) - 1, "%s.%09ld", seconds,
				  t->tv_nsec);
	while (stamp.text[length - 1] == '0')
		length--;
	if (stamp.text[length - 1] == '.')
		length--;
	stamp.text[length] = 'Z';
	stamp.text[length + 1] = '\0';
	return stamp;
}

struct stamp stamp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return stamp_of(&now);
}
