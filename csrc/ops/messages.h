// SPDX-License-Identifier: Apache-2.0
/* What init and the front say to each other, one SOCK_SEQPACKET message each; csrc/README.md draws the order. */
#ifndef TSRUN_OPS_MESSAGES_H
#define TSRUN_OPS_MESSAGES_H

#include <stdint.h>

#include "../base/err.h"

enum message_kind {
	MESSAGE_GO = 1, /* front: go on (number: the pid of init as the host sees it) */
	MESSAGE_HOOKS,	/* init: run the hooks of the runtime namespace */
	MESSAGE_READY, /* init: everything but the start is done (fd: console master; text: a notice) */
	MESSAGE_START,	 /* front: become the user process */
	MESSAGE_FAIL,	 /* init: it failed (number: errno, text: all about it) */
	MESSAGE_SPAWNED, /* stage: the pid of init */
	MESSAGE_MORE, /* a part of what the text of the next message refers to: base/appendix.h */
	MESSAGE_IDMAP, /* init: run IDMAP_TREE (number: the slot of its tree) for me (fd: the tree) */
	MESSAGE_LOOK_UP, /* init: open what OPEN_TREE with this slot (number) names, below my root (fd) */
};

struct message {
	uint32_t kind;
	int32_t number;
	char text[1600];
};

/* Sends a message, with what its text refers to; text may be NULL, fd -1. Return: 0 or -errno. */
int message_tell(int socket, enum message_kind kind, int number, const char *text, int fd);

/*
 * Receives a message, zero-terminated; fd may be NULL. A message that is too short or of unknown kind is -EPROTO.
 * Return: its kind, 0 at end of file, or -errno.
 */
int message_hear(int socket, struct message *m, int *fd);

#endif
