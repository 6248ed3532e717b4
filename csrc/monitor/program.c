// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/io.h"

#define RUNTIME_LOG "runtime.log"
#define PID_FILE "pid"
#define CONSOLE "console"
#define SAID 4096

void stdio_init(struct stdio *io)
{
	for (int i = 0; i < 3; i++)
		io->ours[i] = io->theirs[i] = -1;
}

void stdio_close_theirs(struct stdio *io)
{
	for (int i = 0; i < 3; i++) {
		fd_cleanup(&io->theirs[i]);
		io->theirs[i] = -1;
	}
}

void stdio_close(struct stdio *io)
{
	stdio_close_theirs(io);
	for (int i = 0; i < 3; i++)
		fd_cleanup(&io->ours[i]);
	stdio_init(io);
}

pid_t program_begin(char *const argv[], const int theirs[3])
{
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t none;

		for (int i = 0; theirs && i < 3; i++)
			if (dup2(theirs[i], i) < 0)
				_exit(127);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid;
}

int program_run(char *const argv[], const int theirs[3])
{
	int status;
	pid_t pid = program_begin(argv, theirs);

	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return pid < 0 ? -1 : status;
}

struct words runtime_words(const struct settings *s, const char *const verb[])
{
	struct words w = {0};
	int more = 0;

	while (verb[more])
		more++;
	w.list = calloc((size_t)(s->runtime_args.count + more + 2), sizeof(*w.list));
	if (!w.list)
		return w;
	w.list[w.count++] = (char *)s->runtime;
	for (int i = 0; i < s->runtime_args.count; i++)
		w.list[w.count++] = s->runtime_args.list[i];
	for (int i = 0; i < more; i++)
		w.list[w.count++] = (char *)verb[i];
	return w;
}

static int make_pipe(struct err *e, int *read_end, int *write_end)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	*read_end = ends[0];
	*write_end = ends[1];
	return 0;
}

static int make_pipes(struct err *e, const struct settings *s, struct stdio *io)
{
	int r;

	if (s->input && !s->terminal)
		r = make_pipe(e, &io->theirs[0], &io->ours[0]);
	else
		r = (io->theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0
			    ? err_set(e, errno, "open \"/dev/null\"")
			    : 0;
	/* With a terminal, these take what the runtime itself says. */
	for (int i = 1; r == 0 && i < 3; i++) {
		r = make_pipe(e, &io->ours[i], &io->theirs[i]);
		if (r == 0)
			fcntl(io->ours[i], F_SETFL, O_NONBLOCK);
	}
	if (r == 0 && io->ours[0] >= 0)
		fcntl(io->ours[0], F_SETFL, O_NONBLOCK);
	return r;
}

/* The container's directory by a path that fits into a socket's name, however long its own is. */
static void short_path(char *path, size_t size, int dir, const char *name)
{
	snprintf(path, size, "/proc/%d/fd/%d/%s", getpid(), dir, name);
}

static int listen_for_console(struct err *e, int dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_fd_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(e, errno, "socket");
	(void)unlinkat(dir, CONSOLE, 0);
	short_path(address.sun_path, sizeof(address.sun_path), dir, CONSOLE);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		return err_set(e, errno, "bind \"%s\"", CONSOLE);
	return take_fd(&fd);
}

/* The terminal's master, which the runtime has sent. */
static int take_console(struct err *e, int listener)
{
	char name[256];
	int master = -1;
	_fd_close_ int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0 || message_receive(fd, name, sizeof(name), &master) <= 0 || master < 0)
		return err_set(e, 0, "the runtime sent no terminal");
	fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	return master;
}

/* The value of a member that is a text, from a line of JSON or of `key="value"`. */
static int find_text(const char *line, const char *key, char *to, size_t size)
{
	const char *at = strstr(line, key);
	size_t n = 0;

	if (!at)
		return 0;
	for (at += strlen(key); *at && *at != '"' && n + 1 < size; at++) {
		if (*at == '\\' && at[1]) {
			at++;
			to[n++] = *at == 'n' || *at == 't' ? ' ' : *at;
		} else {
			to[n++] = *at;
		}
	}
	to[n] = '\0';
	return n > 0;
}

static char *last_line(char *text)
{
	size_t length = strlen(text);
	char *newline;

	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		text[--length] = '\0';
	newline = strrchr(text, '\n');
	return newline ? newline + 1 : text;
}

static char *without_name(char *text)
{
	static const char *const names[] = {"tsrun: ", "runc run failed: ", "runc: ", "crun: "};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(text, names[i], strlen(names[i])) == 0)
			return text + strlen(names[i]);
	return text;
}

/* One line of why: from its log, else from what it printed. */
static int why(struct err *e, const struct settings *s, int dir, const struct stdio *io)
{
	_free_ char *log = NULL;
	char said[SAID], text[1500];
	ssize_t n;

	if (read_file(dir, RUNTIME_LOG, &log, 1 << 20) > 0 &&
	    (find_text(last_line(log), "\"msg\":\"", text, sizeof(text)) ||
	     find_text(last_line(log), "msg=\"", text, sizeof(text))))
		return err_set(e, 0, "%s", without_name(text));
	n = read(io->ours[2], said, sizeof(said) - 1);
	if (n > 0) {
		said[n] = '\0';
		return err_set(e, 0, "%s", without_name(last_line(said)));
	}
	return err_set(e, 0, "%s did not start the container, and did not say why", s->runtime);
}

static pid_t read_pid(struct err *e, int dir)
{
	char text[32];
	pid_t pid;

	if (read_small(dir, PID_FILE, text, sizeof(text)) <= 0 || (pid = atoi(text)) <= 0)
		return err_set(e, 0, "the runtime did not write the pid of the container");
	return pid;
}

static int run_runtime(struct err *e, const struct settings *s, int dir, struct stdio *io)
{
	char log[64], pid_file[64], console[64];
	const char *verb[] = {"--log",	  log,	      "--log-format", "json",	    "run",
			      "--detach", "--bundle", s->bundle,      "--pid-file", pid_file,
			      s->id,	  NULL,	      NULL,	      NULL};
	struct words w;
	int status;

	short_path(log, sizeof(log), dir, RUNTIME_LOG);
	short_path(pid_file, sizeof(pid_file), dir, PID_FILE);
	short_path(console, sizeof(console), dir, CONSOLE);
	if (s->terminal) {
		verb[10] = "--console-socket";
		verb[11] = console;
		verb[12] = s->id;
	}
	w = runtime_words(s, verb);
	if (!w.list)
		return err_set(e, ENOMEM, "malloc");
	status = program_run(w.list, io->theirs);
	free(w.list);
	stdio_close_theirs(io);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && access(s->runtime, X_OK) < 0)
		return err_set(e, errno, "the runtime \"%s\"", s->runtime);
	return why(e, s, dir, io);
}

pid_t program_start(struct err *e, const struct settings *s, int dir, struct stdio *io)
{
	_fd_close_ int listener = -1;
	pid_t pid = 0;
	int r = make_pipes(e, s, io);

	(void)unlinkat(dir, RUNTIME_LOG, 0);
	(void)unlinkat(dir, PID_FILE, 0);
	if (r == 0 && s->terminal)
		r = listener = listen_for_console(e, dir);
	if (r >= 0)
		r = run_runtime(e, s, dir, io);
	if (r == 0)
		r = pid = read_pid(e, dir);
	if (r >= 0 && s->terminal) {
		int master = take_console(e, listener);

		stdio_close(io);
		io->ours[1] = master;
		io->ours[0] = master < 0 ? -1 : fcntl(master, F_DUPFD_CLOEXEC, 3);
		r = master < 0 ? master : r;
	}
	(void)unlinkat(dir, CONSOLE, 0);
	(void)unlinkat(dir, RUNTIME_LOG, 0);
	(void)unlinkat(dir, PID_FILE, 0);
	return r < 0 ? r : pid;
}

static int has_any(const char *text, const char *const words[])
{
	for (int i = 0; words[i]; i++)
		if (strstr(text, words[i]))
			return 1;
	return 0;
}

int start_failure(const char *text)
{
	/* Others, such as the source of a mount, may be missing as well. */
	static const char *const program[] = {"exec: \"", "exec /", "executable", NULL};
	static const char *const missing[] = {"executable file not found",
					      "no such file or directory", "not found in $PATH",
					      NULL};
	static const char *const refused[] = {"permission denied", "exec format error",
					      "is a directory", "is not executable", NULL};

	if (!has_any(text, program))
		return 125;
	return has_any(text, refused) ? 126 : has_any(text, missing) ? 127 : 125;
}
