// SPDX-License-Identifier: Apache-2.0
/* The user's program: found while errors can still be told by create, run at the very end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "explain_exec.h"
#include "ops.h"
#include "process.h"

#define DEFAULT_PATH \
	"/usr/local/bin:/bin:/usr/bin" /* as execvp of musl; only where the config has no PATH */

/* Value of a variable in a list of K=V; the last one counts. Return: where it stands, or -1. */
static long env_find(char *const *env, const char *name)
{
	size_t length = strlen(name);
	long found = -1;

	for (long i = 0; env[i]; i++)
		if (strncmp(env[i], name, length) == 0 && env[i][length] == '=')
			found = i;
	return found;
}

/* Return: 0 when it could be executed, or -errno. */
static int check(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	/* Root may do anything that somebody may; libc's faccessat would fork for AT_EACCESS. */
	if (syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EACCES;
}

static void add_reason(struct err *e, const char *path, int number)
{
	char reason[700];
	size_t n = strlen(e->text);
	_fd_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0 && explain_exec(fd, number, reason, sizeof(reason)))
		snprintf(e->text + n, sizeof(e->text) - n, ": %s", reason);
}

static int find_by_path(struct err *e, struct context *c, const char *name)
{
	int r = check(name);

	if (r == 0 && strlen(name) >= sizeof(c->program))
		r = -ENAMETOOLONG;
	if (r == 0) {
		strcpy(c->program, name);
		return 0;
	}
	if (r == -EACCES) {
		err_set(e, EACCES, "exec: \"%s\"", name);
		add_reason(e, name, EACCES);
		return r;
	}
	if (r == -EISDIR)
		return err_set(e, EISDIR, "exec: \"%s\"", name);
	return err_set(e, -r, "exec: \"%s\": stat %s", name, name);
}

static int find_by_name(struct err *e, struct context *c, const char *name, const char *search)
{
	char refused[200] = "";

	for (const char *at = search; *name && at; at = strchr(at, ':'), at = at ? at + 1 : NULL) {
		int length = (int)strcspn(at, ":"), r;

		if (snprintf(c->program, sizeof(c->program), "%.*s%s%s", length, at,
			     length ? "/" : "./", name) >= (int)sizeof(c->program))
			continue;
		r = check(c->program);
		if (r == 0)
			return 0;
		if (r == -EACCES && !*refused)
			snprintf(refused, sizeof(refused), " (\"%.150s\" may not be executed)",
				 c->program);
	}
	c->program[0] = '\0';
	return err_set(e, 0, "exec: \"%s\": executable file not found in $PATH%s", name, refused);
}

static int find(struct err *e, struct context *c, const char *name, char *const *env)
{
	long at = env_find(env, "PATH");

	c->program[0] = '\0';
	if (strchr(name, '/'))
		return find_by_path(e, c, name);
	return find_by_name(e, c, name, at < 0 ? DEFAULT_PATH : env[at] + strlen("PATH="));
}

int op_FIND_EXEC(struct err *e, struct context *c, const struct op *op)
{
	_free_ char **args = plan_vector(c->plan, op->args);
	_free_ char **env = plan_vector(c->plan, op->args + 2);

	if (!args || !env)
		return err_set(e, ENOMEM, "exec");
	return find(e, c, args[0] ? args[0] : "", env);
}

char **env_with_home(char **env, char *home, uint32_t count)
{
	long at = env_find(env, "HOME");
	char **larger;

	if (!*home || (at >= 0 && env[at][strlen("HOME=")]))
		return env;
	if (at >= 0) {
		env[at] = home;
		return env;
	}
	larger = realloc(env, (count + 2) * sizeof(char *));
	if (!larger)
		return NULL;
	larger[count] = home;
	larger[count + 1] = NULL;
	return larger;
}

int op_EXECVE(struct err *e, struct context *c, const struct op *op)
{
	_free_ char **args = plan_vector(c->plan, op->args);
	_free_ char **env = plan_vector(c->plan, op->args + 2);
	char **whole;
	int number, r;

	if (!args || !env)
		return err_set(e, ENOMEM, "exec");
	if (!*c->program) {
		r = find(e, c, args[0] ? args[0] : "", env);
		if (r < 0)
			return r;
	}
	whole = env_with_home(env, c->home, op->args[3]);
	if (!whole)
		return err_set(e, ENOMEM, "exec");
	env = whole;
	execve(c->program, args, env);
	number = errno;
	err_set(e, number, "exec %s", c->program);
	add_reason(e, c->program, number);
	return -number;
}
