// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../base/io.h"

#define NEW_MS 100
#define POLL_MS 1
/* What sets one handler sets others next, and then goes where it expects the signal. */
#define SETTLE_MS 5

/* The line of groups may be long. */
#define STATUS_LIMIT (1u << 20)

/* The last entry that `start` or `run` changes in the state directory goes just before the program begins, or just after. */
static int64_t age_ms(const struct container *c)
{
	struct timespec now;
	struct stat st;

	if (fstat(c->dir.fd, &st) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -1;
	return (now.tv_sec - st.st_mtim.tv_sec) * 1000 +
	       (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000;
}

static uint64_t read_mask(const char *status, const char *name)
{
	const char *line = strstr(status, name);
	uint64_t mask = ~UINT64_C(0);

	if (line)
		sscanf(line + strlen(name), " %" SCNx64, &mask);
	return mask;
}

/* In a pid namespace below ours, as number 1 of the innermost. */
static int is_first(const char *status)
{
	const char *line = strstr(status, "\nNSpid:\t"), *end, *last;

	if (!line)
		return 0;
	line += strlen("\nNSpid:\t");
	end = line + strcspn(line, "\n");
	for (last = end; last > line && last[-1] != '\t'; last--)
		;
	return last > line && end - last == 1 && *last == '1';
}

/* One that is blocked waits for the process, one that is ignored is so on purpose: execve resets all that had handlers. */
static int would_be_lost(const struct container *c, int signal)
{
	static const char *const masks[] = {"\nSigBlk:\t", "\nSigIgn:\t", "\nSigCgt:\t"};
	uint64_t bit = UINT64_C(1) << (signal - 1), heard = 0;
	char path[32];
	_free_ char *status = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)c->pid);
	if (read_file(AT_FDCWD, path, &status, STATUS_LIMIT) < 0 || strstr(status, "\nState:\tZ"))
		return 0;
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		heard |= read_mask(status, masks[i]);
	return !(heard & bit) && is_first(status);
}

void handler_await(const struct container *c, int signal)
{
	int64_t age, end;

	if (signal < 1 || signal > 64 || signal == SIGKILL || signal == SIGSTOP)
		return;
	age = age_ms(c);
	if (age < 0 || age >= NEW_MS)
		return;
	if (!would_be_lost(c, signal))
		return;
	end = now_ms() + NEW_MS - age;
	do {
		if (now_ms() >= end)
			return;
		sleep_ms(POLL_MS);
	} while (would_be_lost(c, signal));
	sleep_ms(SETTLE_MS);
}
