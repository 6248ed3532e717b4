// SPDX-License-Identifier: Apache-2.0
/* Route netlink: one request, its answers, its acknowledgement. */
#ifndef TSRUN_OPS_NETLINK_H
#define TSRUN_OPS_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

struct request {
	struct nlmsghdr header;
	char body[512];
};

/* Opens a socket in the network namespace of the caller. Return: fd, or < 0 with e filled. */
int netlink_open(struct err *e);

/* Starts a request with its fixed part. */
void request_start(struct request *r, uint16_t type, uint16_t flags, const void *fixed,
		   size_t size);

/* Adds an attribute; one that does not fit is left out (the body has room for all that tsrun sends). */
void request_add(struct request *r, uint16_t type, const void *data, size_t length);

/**
 * netlink_talk - send a request, look at the answers until it is acknowledged
 * @each: called for each answer; may be NULL; < 0 with e filled ends it
 * @what: said in errors, with the kernel's own words behind it
 *
 * Return: 0, or < 0 with e filled.
 */
int netlink_talk(struct err *e, int fd, struct request *r,
		 int (*each)(struct err *e, const struct nlmsghdr *answer, void *data), void *data,
		 const char *what);

/* Attributes of a message behind its fixed part. Return: the first of that type, or NULL. */
const struct nlattr *message_attribute(const struct nlmsghdr *m, size_t fixed, uint16_t type);

static inline const void *attribute_data(const struct nlattr *a)
{
	return (const char *)a + NLA_HDRLEN;
}

static inline size_t attribute_length(const struct nlattr *a)
{
	return (size_t)a->nla_len - NLA_HDRLEN;
}

#endif
