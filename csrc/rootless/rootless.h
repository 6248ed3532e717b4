// SPDX-License-Identifier: Apache-2.0
/* The commands of tsdock-rootless, and what they share. Each returns 0, or -errno with e filled. */
#ifndef TSRUN_ROOTLESS_ROOTLESS_H
#define TSRUN_ROOTLESS_ROOTLESS_H

#include <stdint.h>
#include <sys/types.h>

#include "../base/err.h"
#include "../base/scope.h"

/* What is in a user's directory of namespaces. */
#define HOLDER_FILE "holder"	  /* who holds them */
#define HOLDER_LOCK "holder.lock" /* held by whoever makes them */
#define NETWORK_FILE "network-ns" /* the network namespace, mounted there for those inside */
#define PRIVATE_RUN "run"	  /* /run for programs that manage the network */

/* Maps of ids: `INSIDE:OUTSIDE:COUNT`, the first one that of the user alone. */
struct id_maps {
	char *const *uids, *const *gids;
	int uid_count, gid_count;
};

struct namespaces {
	const char *directory;
	struct id_maps maps;
	const char *warning; /* told when they are made; NULL: nothing */
	struct scope scope;  /* for who holds them; without a program: none */
	char *title;	     /* the arguments of this program, as they lie in memory */
	size_t title_size;
};

/* Gives a process, which is in a new user namespace and waits, its ids. */
int map_ids(struct err *e, pid_t pid, const struct id_maps *maps);

/* What the file says of a holder. */
struct holder {
	pid_t pid;
	uint64_t start;
	unsigned long long user_ns, mount_ns;
	char boot[40];
};

int holder_read(int directory, struct holder *h);

/* Makes namespaces, and a process that holds them. */
int holder_make(struct err *e, int directory, const struct namespaces *n);

/* Another process for namespaces that this one is in. */
int holder_replace(struct err *e, int directory, const struct namespaces *n);

/* Enters a user's namespaces; makes them when there are none. */
int rootless_enter(struct err *e, const struct namespaces *n);

/* Enters the network of the user's containers, with a /run that can be written to. From inside. */
int rootless_network(struct err *e, const char *directory);

#endif
