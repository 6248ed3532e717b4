// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "client.h"
#include "clients.h"
#include "serve.h"

#define FAILED 125
#define FIRST_KEPT 100

static const char usage[] =
	"usage: tsdock-monitor run [OPTIONS] DIR       run the container of DIR/monitor.conf\n"
	"       tsdock-monitor attach [OPTIONS] DIR    show one that runs\n"
	"       tsdock-monitor wait DIR                wait for its end, and print its exit code\n"
	"       tsdock-monitor tell DIR stop-wanted    it is not to be started again\n"
	"       tsdock-monitor tell DIR set-restart POLICY MAXIMUM\n"
	"       tsdock-monitor tell DIR resize ROWS COLUMNS\n"
	"options: --stdin --stdout --stderr            what is shown here; none: it is left to "
	"itself\n"
	"         --no-signals --detach-keys=KEYS\n";

static const struct option long_options[] = {
	{"stdin", no_argument, NULL, 'i'},
	{"stdout", no_argument, NULL, 'o'},
	{"stderr", no_argument, NULL, 'e'},
	{"no-signals", no_argument, NULL, 's'},
	{"detach-keys", required_argument, NULL, 'k'},
	{0},
};

static int fail(const struct err *e)
{
	fprintf(stderr, "tsdock: %s\n", e->text);
	return FAILED;
}

static int wrong_call(void)
{
	fputs(usage, stderr);
	return 2;
}

/* Nothing of the caller's stays open: it may wait for the end of a pipe. */
static void let_go(int *dir, int *listener)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	*dir = fcntl(*dir, F_DUPFD_CLOEXEC, FIRST_KEPT);
	*listener = fcntl(*listener, F_DUPFD_CLOEXEC, *dir + 1);
	sys_close_range(3, (unsigned int)*dir - 1, 0);
	sys_close_range((unsigned int)*dir + 1, (unsigned int)*listener - 1, 0);
	sys_close_range((unsigned int)*listener + 1, ~0u, 0);
}

static _Noreturn void be_monitor(struct monitor *m)
{
	struct err e = {0};
	sigset_t all;

	setsid();
	umask(022);
	(void)!chdir("/");
	let_go(&m->dir, &m->clients.listener);
	prctl(PR_SET_NAME, "tsdock-monitor");
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	m->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	state_read(m->dir, &m->state);
	/* From here on this is who is asked about the container. */
	(void)state_write(&e, m->dir, &m->state);
	(void)log_open(&e, &m->log, &m->settings);
	monitor_serve(m);
	clients_close(&m->clients);
	settings_free(&m->settings);
	exit(0);
}

static int run(const char *path, const struct attachment *a)
{
	static struct monitor m = {.state = {.status = "created", .error = ""}};
	struct err e = {0};
	_fd_close_ int socket = -1;
	int r;
	pid_t pid;

	m.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m.dir < 0) {
		err_set(&e, errno, "open \"%s\"", path);
		return fail(&e);
	}
	/* Held by the monitor until all that belongs to the container is given back. */
	if (flock(m.dir, LOCK_EX | LOCK_NB) < 0) {
		err_set(&e, 0, "the container has a monitor already");
		return fail(&e);
	}
	stdio_init(&m.io);
	r = settings_read(&e, &m.settings, m.dir);
	if (r == 0)
		r = clients_listen(&e, &m.clients, m.dir);
	if (r < 0)
		return fail(&e);
	pid = fork();
	if (pid == 0)
		be_monitor(&m);
	if (pid < 0) {
		err_set(&e, errno, "fork");
		return fail(&e);
	}
	socket = client_connect(&e, m.dir);
	close(m.dir);
	close(m.clients.listener);
	return socket < 0 ? fail(&e) : client_attach(socket, a);
}

static int connect_to(struct err *e, const char *path)
{
	_fd_close_ int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? err_set(e, errno, "open \"%s\"", path) : client_connect(e, dir);
}

static int tell(int argc, char **argv)
{
	struct err e = {0};
	unsigned char message[256];
	int length = 0, rows, columns;
	_fd_close_ int socket = -1;

	if (argc == 2 && strcmp(argv[1], "stop-wanted") == 0) {
		length = snprintf((char *)message, sizeof(message), "S");
	} else if (argc == 4 && strcmp(argv[1], "set-restart") == 0) {
		length = snprintf((char *)message, sizeof(message), "R%s %s", argv[2], argv[3]);
	} else if (argc == 4 && strcmp(argv[1], "resize") == 0) {
		rows = atoi(argv[2]);
		columns = atoi(argv[3]);
		message[0] = 'W';
		message[1] = (unsigned char)(rows >> 8);
		message[2] = (unsigned char)rows;
		message[3] = (unsigned char)(columns >> 8);
		message[4] = (unsigned char)columns;
		length = 5;
	}
	if (length <= 0 || length >= (int)sizeof(message))
		return wrong_call();
	socket = connect_to(&e, argv[0]);
	if (socket < 0)
		return fail(&e);
	if (message[0] == 'W')
		return send(socket, message, (size_t)length, 0) < 0 ? FAILED : 0;
	return client_tell(&e, socket, (char *)message, (size_t)length) < 0 ? fail(&e) : 0;
}

static int wait_for(const char *path)
{
	struct err e = {0};
	_fd_close_ int socket = connect_to(&e, path);
	int code = socket < 0 ? -1 : client_wait(&e, socket);

	if (code < 0)
		return fail(&e);
	printf("%d\n", code);
	return 0;
}

static int attach(const char *path, const struct attachment *a)
{
	struct err e = {0};
	_fd_close_ int socket = connect_to(&e, path);

	return socket < 0 ? fail(&e) : client_attach(socket, a);
}

int main(int argc, char **argv)
{
	struct attachment a = {.signals = 1, .detach_keys = "ctrl-p,ctrl-q"};
	int option;

	if (argc < 3)
		return wrong_call();
	if (strcmp(argv[1], "tell") == 0)
		return tell(argc - 2, argv + 2);
	while ((option = getopt_long(argc - 1, argv + 1, "+", long_options, NULL)) != -1) {
		switch (option) {
		case 'i':
			a.flags |= WITH_INPUT;
			break;
		case 'o':
			a.flags |= WITH_OUTPUT;
			break;
		case 'e':
			a.flags |= WITH_ERRORS;
			break;
		case 's':
			a.signals = 0;
			break;
		case 'k':
			a.detach_keys = optarg;
			break;
		default:
			return wrong_call();
		}
	}
	if (argc - 1 - optind != 1)
		return wrong_call();
	if (strcmp(argv[1], "run") == 0)
		return run(argv[1 + optind], &a);
	if (strcmp(argv[1], "attach") == 0)
		return attach(argv[1 + optind], &a);
	return strcmp(argv[1], "wait") == 0 ? wait_for(argv[1 + optind]) : wrong_call();
}
