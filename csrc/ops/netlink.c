// SPDX-License-Identifier: Apache-2.0
#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/io.h"

#define ANSWER_SIZE 32768 /* the most that the kernel puts into one */

int netlink_open(struct err *e)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), on = 1;

	if (fd < 0)
		return err_set(e, errno, "socket (netlink)");
	/* Conveniences: reasons in words, answers for the interface that was asked for only. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return fd_above_stdio(fd);
}

void request_start(struct request *r, uint16_t type, uint16_t flags, const void *fixed, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->header.nlmsg_type = type;
	r->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	r->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	memcpy(r->body, fixed, size);
}

void request_add(struct request *r, uint16_t type, const void *data, size_t length)
{
	size_t at = NLMSG_ALIGN(r->header.nlmsg_len);
	struct nlattr a = {.nla_len = (uint16_t)(NLA_HDRLEN + length), .nla_type = type};

	if (length > sizeof(r->body) || at + NLA_HDRLEN + length > sizeof(*r))
		return;
	memcpy((char *)r + at, &a, sizeof(a));
	memcpy((char *)r + at + NLA_HDRLEN, data, length);
	r->header.nlmsg_len = (uint32_t)(at + NLA_HDRLEN + length);
}

static const struct nlattr *find(const char *at, size_t left, uint16_t type)
{
	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const struct nlattr *)(const void *)at;
		size_t step = NLA_ALIGN(a->nla_len);

		if (a->nla_len < NLA_HDRLEN || a->nla_len > left)
			return NULL;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		if (step >= left)
			return NULL;
		at += step;
		left -= step;
	}
	return NULL;
}

const struct nlattr *message_attribute(const struct nlmsghdr *m, size_t fixed, uint16_t type)
{
	size_t before = NLMSG_SPACE(fixed);

	if (m->nlmsg_len <= before)
		return NULL;
	return find((const char *)m + before, m->nlmsg_len - before, type);
}

/* NLMSG_ERROR and NLMSG_DONE start with an errno; behind it may stand the reason in words. */
static int judge(struct err *e, const struct nlmsghdr *m, const char *what)
{
	size_t skip = m->nlmsg_type == NLMSG_ERROR ? sizeof(struct nlmsgerr) : sizeof(int);
	const struct nlattr *words;
	int number = 0;

	if (m->nlmsg_len >= NLMSG_LENGTH(sizeof(int)))
		memcpy(&number, NLMSG_DATA(m), sizeof(number));
	if (number == 0)
		return 0;
	words = m->nlmsg_flags & NLM_F_ACK_TLVS ? message_attribute(m, skip, NLMSGERR_ATTR_MSG)
						: NULL;
	if (!words)
		return err_set(e, -number, "%s", what);
	return err_set(e, -number, "%s (%.*s)", what,
		       (int)strnlen(attribute_data(words), attribute_length(words)),
		       (const char *)attribute_data(words));
}

int netlink_talk(struct err *e, int fd, struct request *r,
		 int (*each)(struct err *e, const struct nlmsghdr *answer, void *data), void *data,
		 const char *what)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	union {
		struct nlmsghdr header;
		char bytes[ANSWER_SIZE];
	} answer;

	/* Of two bits, one of which is NLM_F_REPLACE in other requests. */
	if ((r->header.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		r->header.nlmsg_flags |= NLM_F_ACK;
	r->header.nlmsg_seq++;
	if (sendto(fd, r, r->header.nlmsg_len, 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return err_set(e, errno, "%s: send", what);
	for (;;) {
		ssize_t n = recv(fd, &answer, sizeof(answer), MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (size_t)n > sizeof(answer))
			return err_set(e, n < 0 ? errno : EMSGSIZE, "%s: recv", what);
		for (struct nlmsghdr *m = &answer.header; NLMSG_OK(m, n); m = NLMSG_NEXT(m, n)) {
			int result;

			if (m->nlmsg_seq != r->header.nlmsg_seq)
				continue;
			if (m->nlmsg_type == NLMSG_ERROR || m->nlmsg_type == NLMSG_DONE)
				return judge(e, m, what);
			result = each ? each(e, m, data) : 0;
			if (result < 0)
				return result;
		}
	}
}
