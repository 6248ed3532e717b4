// SPDX-License-Identifier: Apache-2.0
/* The caller's terminal, while a container's terminal is shown on it. */
#ifndef TSRUN_BASE_CONSOLE_H
#define TSRUN_BASE_CONSOLE_H

#include <termios.h>

struct console {
	int tty; /* -1: the caller has none */
	int raw;
	struct termios saved;
};

/* Finds the caller's terminal and puts it into raw mode. Without one, nothing happens. */
void console_open(struct console *c);

/* The same for a terminal that is at hand, on which newlines are to pass as they come. Return: is it one? */
int console_take(struct console *c, int fd);

/* Gives the container's terminal the size of the caller's. */
void console_resize(const struct console *c, int master);

/*
 * Before the process starts: the size of the caller's terminal, which it may ask for at once, and newlines that pass as
 * they are, since the caller's terminal turns them into CR LF already.
 */
void console_prepare_master(int master);

/* Puts the terminal back as it was. */
void console_close(struct console *c);

#endif
