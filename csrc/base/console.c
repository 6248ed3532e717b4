// SPDX-License-Identifier: Apache-2.0
#include "console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int find_tty(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (isatty(fd))
			return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

static void make_raw(struct console *c, tcflag_t output)
{
	struct termios t;

	c->raw = 0;
	if (c->tty < 0 || tcgetattr(c->tty, &c->saved) < 0)
		return;
	t = c->saved;
	cfmakeraw(&t);
	t.c_oflag |= output;
	c->raw = tcsetattr(c->tty, TCSANOW, &t) == 0;
}

void console_open(struct console *c)
{
	c->tty = find_tty();
	make_raw(c, OPOST);
}

int console_take(struct console *c, int fd)
{
	c->tty = isatty(fd) ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	make_raw(c, 0);
	return c->raw;
}

void console_resize(const struct console *c, int master)
{
	struct winsize size;

	if (c->tty >= 0 && ioctl(c->tty, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
		ioctl(master, TIOCSWINSZ, &size);
}

void console_prepare_master(int master)
{
	struct console caller = {.tty = find_tty()};
	struct termios t;

	console_resize(&caller, master);
	console_close(&caller);
	if (tcgetattr(master, &t) < 0)
		return;
	t.c_oflag &= ~(tcflag_t)ONLCR;
	tcsetattr(master, TCSANOW, &t);
}

void console_close(struct console *c)
{
	if (c->raw)
		tcsetattr(c->tty, TCSADRAIN, &c->saved);
	c->raw = 0;
	if (c->tty >= 0)
		close(c->tty);
	c->tty = -1;
}
