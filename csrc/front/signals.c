// SPDX-License-Identifier: Apache-2.0
#include "signals.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct signal_entry {
	const char *name;
	int number;
};

/* The numbers of the kernel: libc keeps the first real-time signals for itself. */
#define KERNEL_RTMIN 34
#define KERNEL_RTMAX 64

#if defined(__mips__)
#error "signal numbers differ on MIPS"
#endif

static const struct signal_entry signals[] = {
	{"HUP", 1},
	{"INT", 2},
	{"QUIT", 3},
	{"ILL", 4},
	{"TRAP", 5},
	{"ABRT", 6},
	{"IOT", 6},
	{"BUS", 7},
	{"FPE", 8},
	{"KILL", 9},
	{"USR1", 10},
	{"SEGV", 11},
	{"USR2", 12},
	{"PIPE", 13},
	{"ALRM", 14},
	{"TERM", 15},
	{"STKFLT", 16},
	{"CHLD", 17},
	{"CLD", 17},
	{"CONT", 18},
	{"STOP", 19},
	{"TSTP", 20},
	{"TTIN", 21},
	{"TTOU", 22},
	{"URG", 23},
	{"XCPU", 24},
	{"XFSZ", 25},
	{"VTALRM", 26},
	{"PROF", 27},
	{"WINCH", 28},
	{"IO", 29},
	{"POLL", 29},
	{"PWR", 30},
	{"SYS", 31},
	{"RTMIN", KERNEL_RTMIN},
	{"RTMAX", KERNEL_RTMAX},
};

static int number_parse(const char *text, int *number)
{
	char *end;
	long value;

	text += *text == '+';
	if (!isdigit((unsigned char)*text))
		return 0;
	value = strtol(text, &end, 10);
	if (*end || value > KERNEL_RTMAX)
		return 0;
	*number = (int)value;
	return 1;
}

/* RTMIN+n and RTMAX-n. */
static int realtime_parse(const char *name, int *number)
{
	int n;

	if (strncasecmp(name, "RTMIN+", 6) == 0 && number_parse(name + 6, &n))
		*number = KERNEL_RTMIN + n;
	else if (strncasecmp(name, "RTMAX-", 6) == 0 && number_parse(name + 6, &n))
		*number = KERNEL_RTMAX - n;
	else
		return 0;
	return *number >= KERNEL_RTMIN && *number <= KERNEL_RTMAX;
}

int signal_parse(struct err *e, const char *text)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	int number;

	if (number_parse(text, &number) || realtime_parse(name, &number))
		return number;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (strcasecmp(signals[i].name, name) == 0)
			return signals[i].number;
	return err_set(e, 0, "unknown signal \"%s\"", text);
}
