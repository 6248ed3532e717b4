// SPDX-License-Identifier: Apache-2.0
/* The executor, as the front sees it. */
#ifndef TSRUN_EXEC_EXEC_H
#define TSRUN_EXEC_EXEC_H

#include <stdint.h>
#include <sys/types.h>

#include "../base/err.h"
#include "../plan/plan.h"

/*
 * Runs one section on the host side (slots may be NULL for stored plans). Stops at the first failure; e names label, syscall, errno.
 * pid and start_time fill templates and /proc paths (0 when there is no init). Return: 0 or < 0.
 */
struct host {
	const struct plan *plan;
	int *slots; /* slot_count fds, -1 empty */
	pid_t pid;  /* of init, as the host sees it */
	uint64_t start_time;
	const char *status;	 /* for state templates: creating created running stopped */
	const char *owner;	 /* see context.h */
	const char *cache_dir;	 /* seccomp cache */
	const char *libexec_dir; /* where tsrun-seccomp and tsrun-systemd are */
	/* A problem that does not end the work (poststop hook failed): printed by the front. */
	void (*warn)(const char *text);
	int vacancy_checked;
	int failed;	/* undo comes of a failure, not of delete */
	int unit_taken; /* the systemd unit, and so its cgroup, is somebody else's */
	int criu;	/* the connection to criu, while it is called, else -1 */
	int master;	/* out: the terminal that criu has restored, else -1 */
};
int host_run(struct err *e, struct host *h, enum section section);

/*
 * Runs the checks of section prepare that the container's cgroup is nobody else's. They come before the plan is stored: from
 * then on a failure undoes the plan, which ends whatever is in that cgroup. Return: 0 or < 0.
 */
int host_check_vacant(struct err *e, struct host *h);

/* Like host_run, but goes on after failures (undo); e keeps the first. Return: 0 or < 0. */
int host_run_all(struct err *e, struct host *h, enum section section);

/*
 * A template with its placeholder bytes replaced (0x01 pid, 0x02 status, 0x03 start time). Return: fresh memory or NULL; *length set.
 */
char *template_fill(const char *text, size_t size, pid_t pid, const char *status,
		    uint64_t start_time, size_t *length);

/* A container init (or exec'd process) between clone and execve, seen from the front. */
struct session {
	pid_t pid;
	int pidfd;
	int socket; /* messages */
	int master; /* console master once READY has come, else -1 */
	uint64_t start_time;
	int started; /* without START */
};

/* How a process is to be started. fds are borrowed. */
struct session_options {
	int start_listener; /* listening unix socket on which init waits for START; -1: START comes over the session socket */
	int target_pidfd;	    /* exec: the container's init; else -1 */
	uint64_t target_namespaces; /* exec: CLONE_NEW* to join */
	int target_root; /* exec: O_PATH of init's root when that is not the root of its mount namespace; else -1 */
	int stdio[3];	    /* become 0, 1, 2 of the process; -1: inherited */
	int die_with_front; /* PDEATHSIG while setting up */
	/* exec: the process does not wait for START, because nothing can fail between READY and it. */
	int start_at_once;
};

/* clone, adopt, GO, hooks, until READY. On failure nothing of the process is left. Return: 0 or < 0. */
int session_begin(struct err *e, struct session *s, struct host *h,
		  const struct session_options *options);

/*
 * Tells an init that waits on a start socket that the container is written down: from now on it outlives the front.
 * Return: 0 or < 0.
 */
int session_release(struct err *e, struct session *s);

/* Sends START (session socket), unless it does without, and waits until execve has happened. Return: 0 or < 0. */
int session_start(struct err *e, struct session *s);

/* After it: the socket closes also for a process that is killed before execve. Return: 0 or < 0. */
int session_check_execed(struct err *e, struct session *s);

/*
 * For a process whose section start makes criu of it: starts it, and runs section commit, which calls criu. When that
 * has restored a container, the session is that of its init from then on. Return: 0 or < 0; criu is still to be aborted then.
 */
int session_run_criu(struct err *e, struct session *s, struct host *h);

/*
 * `start`: connects to the start socket (dirfd + name), says START, waits until execve has happened.
 * Return: 0; -ECONNREFUSED or -ENOENT when init does not wait there; else < 0 with e filled.
 */
int start_over_socket(struct err *e, int dirfd, const char *name);

/* SIGKILL, reap, close. */
void session_abort(struct session *s);

#endif
