// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

void container_new(struct bench *b, struct container *c, struct runtime *r)
{
	*c = (struct container){.runtime = r};
	snprintf(c->id, sizeof(c->id), "%s-%s-%u", b->mark, r->name, b->containers++);
}

/* Writes text with the first occurrence of a placeholder replaced; the rest is returned. */
static const char *put_until(FILE *f, const char *text, const char *placeholder, const char *value)
{
	const char *at = strstr(text, placeholder);

	if (!at)
		return text;
	fwrite(text, 1, (size_t)(at - text), f);
	fputs(value, f);
	return at + strlen(placeholder);
}

bool config_write(struct bench *b, const struct container *c, const char *template,
		  const char *args, size_t limit)
{
	char path[PATH_MAX], cgroup[80], number[32], files[32];
	FILE *f;

	snprintf(path, sizeof(path), "%s/config.json", b->bundle);
	snprintf(cgroup, sizeof(cgroup), "/%s", c->id);
	snprintf(number, sizeof(number), "%zu", limit);
	snprintf(files, sizeof(files), "%u", b->open_files);
	f = fopen(path, "we");
	if (!f) {
		perror(path);
		return false;
	}
	template = put_until(f, template, "\"@ARGS@\"", args);
	template = put_until(f, template, "\"@FILES@\"", files);
	template = put_until(f, template, "@CGROUP@", cgroup);
	if (limit)
		template = put_until(f, template, "\"@LIMIT@\"", number);
	fputs(template, f);
	return fclose(f) == 0;
}

static void pid_path(const struct bench *b, const struct container *c, char *path, size_t size)
{
	snprintf(path, size, "%s/%s.pid", b->work, c->runtime->name);
}

static pid_t read_pid(const char *path)
{
	FILE *f = fopen(path, "re");
	int pid = 0;

	if (f && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	return pid;
}

bool container_create(struct bench *b, struct container *c, struct call *call)
{
	char pid_file[PATH_MAX];
	const char *args[] = {"create", "--bundle", b->bundle, "--pid-file", pid_file, c->id, NULL};
	bool ok;

	pid_path(b, c, pid_file, sizeof(pid_file));
	unlink(pid_file);
	ok = call_runtime(c->runtime, args, call);
	c->init = read_pid(pid_file);
	return ok && c->init > 0;
}

bool container_do(struct container *c, const char *verb, const char *extra, struct call *call)
{
	const char *args[] = {verb, c->id, extra, NULL};

	return call_runtime(c->runtime, args, call);
}

bool container_exec_file(struct container *c, const char *file, struct call *call)
{
	const char *args[] = {"exec", "--process", file, c->id, NULL};

	return call_runtime(c->runtime, args, call);
}

void container_remove(struct container *c)
{
	const char *args[] = {"delete", "--force", c->id, NULL};
	struct call call;

	if (c->init > 0 && !c->reaped)
		kill(c->init, SIGKILL);
	init_wait(c);
	call_runtime(c->runtime, args, &call);
	orphans_wait(c);
}

/* The number behind a key of a /proc file. */
static long proc_number(pid_t pid, const char *file, const char *key)
{
	char path[64], line[256];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	f = fopen(path, "re");
	while (f && value < 0 && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			value = atol(line + strlen(key));
	if (f)
		fclose(f);
	return value;
}

long process_rss_kb(pid_t pid)
{
	return proc_number(pid, "status", "VmRSS:");
}

long process_pss_kb(pid_t pid)
{
	return proc_number(pid, "smaps_rollup", "Pss:");
}

static unsigned int remove_marked(const char *dir, const char *mark)
{
	unsigned int found = 0;
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d))) {
		if (!strstr(entry->d_name, mark))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		found += rmdir(path) == 0;
	}
	if (d)
		closedir(d);
	return found;
}

unsigned int cgroups_remove(const char *mark)
{
	unsigned int found = remove_marked("/sys/fs/cgroup", mark);
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *d = opendir("/sys/fs/cgroup");

	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", entry->d_name);
		found += remove_marked(path, mark);
	}
	if (d)
		closedir(d);
	return found;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	remove(path);
	return 0;
}

void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
