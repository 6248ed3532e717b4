// SPDX-License-Identifier: Apache-2.0
/* Ids of a user namespace: the user's subordinate ones are given by newuidmap and newgidmap, who check that they are. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/io.h"
#include "rootless.h"

#define MAX_MAPS 64

static int split(char *text, char **fields)
{
	int count = 0;

	for (char *rest = text, *one; (one = strsep(&rest, ":"));) {
		if (count == 3 || !*one || one[strspn(one, "0123456789")])
			return -EINVAL;
		fields[count++] = one;
	}
	return count == 3 ? 0 : -EINVAL;
}

static int run_helper(struct err *e, char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return err_set(e, errno, "fork");
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "waitpid %s", argv[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(e, ENOENT, "%s (try: apt-get install uidmap)", argv[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(e, 0,
		       "%s refused the user's subordinate ids (see /etc/subuid and /etc/subgid)",
		       argv[0]);
}

/* Anyone may give a namespace the id that they have. */
static int map_own(struct err *e, pid_t pid, const char *kind, char **fields)
{
	char path[64], line[64];
	int length = snprintf(line, sizeof(line), "%s %s %s\n", fields[0], fields[1], fields[2]);
	int r;

	if (strcmp(kind, "gid") == 0) {
		snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
		r = write_once(AT_FDCWD, path, "deny", 4);
		if (r < 0)
			return err_set(e, -r, "write \"%s\"", path);
	}
	snprintf(path, sizeof(path), "/proc/%d/%s_map", (int)pid, kind);
	r = write_once(AT_FDCWD, path, line, (size_t)length);
	return r < 0 ? err_set(e, -r, "write \"%s\"", path) : 0;
}

static int map_kind(struct err *e, pid_t pid, const char *kind, char *const *maps, int count)
{
	char text[MAX_MAPS][64], *argv[3 + 3 * MAX_MAPS] = {0}, program[16], number[16];

	if (count < 1 || count > MAX_MAPS)
		return err_set(e, EINVAL, "%d maps of ids", count);
	snprintf(program, sizeof(program), "new%smap", kind);
	snprintf(number, sizeof(number), "%d", (int)pid);
	argv[0] = program;
	argv[1] = number;
	for (int i = 0; i < count; i++) {
		snprintf(text[i], sizeof(text[i]), "%s", maps[i]);
		if (split(text[i], argv + 2 + (size_t)3 * (size_t)i) < 0)
			return err_set(e, EINVAL, "the map of ids \"%s\"", maps[i]);
	}
	return count == 1 ? map_own(e, pid, kind, argv + 2) : run_helper(e, argv);
}

int map_ids(struct err *e, pid_t pid, const struct id_maps *maps)
{
	int r = map_kind(e, pid, "uid", maps->uids, maps->uid_count);

	return r < 0 ? r : map_kind(e, pid, "gid", maps->gids, maps->gid_count);
}
