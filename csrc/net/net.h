// SPDX-License-Identifier: Apache-2.0
/* The commands of tsdock-net. Each returns 0, or -errno with e filled. */
#ifndef TSRUN_NET_NET_H
#define TSRUN_NET_NET_H

#include "../base/err.h"

/* Pins a new network namespace, whose lo is up, at a path in a directory that is there. Done already: nothing is done. */
int net_namespace_make(struct err *e, const char *path);

/* Takes it away. There is none: nothing is done. */
int net_namespace_remove(struct err *e, const char *path);

/* Removes a bridge. There is none: nothing is done. */
int net_bridge_remove(struct err *e, const char *name);

/*
 * Reads what to pass on from stdin, binds all of it, says "ready\n", and serves until it is killed:
 * `tcp|udp|sctp ADDRESS PORT TARGET-ADDRESS TARGET-PORT\n`... and an empty line.
 * network: of the targets; NULL: that of this process.
 */
int net_relay(struct err *e, const char *network);

#endif
