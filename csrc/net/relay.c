// SPDX-License-Identifier: Apache-2.0
/*
 * The relay of a container: it holds the ports that are published on the host, so that no other program takes them, and
 * passes on what iptables cannot: connections to [::1], and IPv6 to containers without it.
 */
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/io.h"
#include "net.h"

#define EVENTS 32
#define WAIT_MS 10000

struct relay relay;
static void *freed[2 * EVENTS];
static int freed_count;

int relay_watch(int fd, uint32_t events, struct watched *w)
{
	struct epoll_event event = {.events = events, .data.ptr = w};

	return epoll_ctl(relay.epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int relay_change(int fd, uint32_t events, struct watched *w)
{
	struct epoll_event event = {.events = events, .data.ptr = w};

	return epoll_ctl(relay.epoll, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
}

void relay_free_later(void *pointer)
{
	freed[freed_count++] = pointer;
}

static int parse_address(struct err *e, struct address *a, const char *host, const char *port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a->at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->at;
	long number = strtol(port, NULL, 10);

	memset(a, 0, sizeof(*a));
	if (number < 1 || number > 65535)
		return err_set(e, EINVAL, "the port \"%s\"", port);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)number);
		a->length = sizeof(*v4);
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)number);
		a->length = sizeof(*v6);
	} else {
		return err_set(e, EINVAL, "the address \"%s\"", host);
	}
	return 0;
}

struct rule {
	char protocol[8], host[64], port[8], target_host[64], target_port[8];
};

static int set_options(int fd, int family, int udp)
{
	int on = 1;

	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	/* Old connections in TIME_WAIT are no reason not to listen. With UDP it would let two have one port. */
	if (!udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

static int add(struct err *e, const struct rule *rule)
{
	int udp = strcmp(rule->protocol, "udp") == 0;
	int protocol = udp				     ? IPPROTO_UDP
		       : strcmp(rule->protocol, "sctp") == 0 ? IPPROTO_SCTP
							     : IPPROTO_TCP;
	struct address at, target;
	_fd_close_ int fd = -1;
	int r = parse_address(e, &at, rule->host, rule->port);

	if (r == 0)
		r = parse_address(e, &target, rule->target_host, rule->target_port);
	if (r < 0)
		return r;
	fd = socket(at.at.ss_family,
		    (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	/* A host without IPv6, or SCTP, has nothing of it to pass on. */
	if (fd < 0 &&
	    (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT))
		return 0;
	if (fd < 0)
		return err_set(e, errno, "socket %s", rule->protocol);
	r = set_options(fd, at.at.ss_family, udp);
	if (r < 0)
		return err_set(e, -r, "setsockopt %s", rule->protocol);
	if (bind(fd, (struct sockaddr *)&at.at, at.length) < 0) {
		/* The kernel was started without IPv6 on any interface. */
		if (errno == EADDRNOTAVAIL && strcmp(rule->host, "::") == 0)
			return 0;
		return err_set(e, errno, "bind %s %s %s", rule->protocol, rule->host, rule->port);
	}
	return udp ? datagram_listen(e, take_fd(&fd), &target)
		   : stream_listen(e, take_fd(&fd), protocol, &target);
}

/* Until an empty line: without one, whoever started this has gone. */
static int read_rules(struct err *e)
{
	char line[256];
	int r = 0;

	while (r == 0) {
		struct rule rule;

		if (!fgets(line, sizeof(line), stdin))
			return err_set(e, EPIPE, "the relay's input");
		if (line[0] == '\n')
			return 0;
		if (sscanf(line, "%7s %63s %7s %63s %7s", rule.protocol, rule.host, rule.port,
			   rule.target_host, rule.target_port) != 5)
			return err_set(e, EINVAL, "the relay's rule \"%s\"", line);
		r = add(e, &rule);
	}
	return r;
}

/* Sockets that are made from now on are those of another network; those that are there stay what they are. */
static int join(struct err *e, const char *network)
{
	_fd_close_ int fd = open(network, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno, "open \"%s\"", network);
	return setns(fd, CLONE_NEWNET) < 0 ? err_set(e, errno, "setns \"%s\"", network) : 0;
}

/* What is bound is bound: nothing more is asked of the kernel that needs a privilege. */
static void drop_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	(void)syscall(SYS_capset, &header, none);
}

static void leave_caller(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		(void)dup2(null, fd);
	if (null > 2)
		(void)close(null);
	(void)setsid();
	(void)!chdir("/");
}

static void serve(void)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(relay.epoll, events, EVENTS, WAIT_MS);

		relay.now = now_ms();
		for (int i = 0; i < n; i++) {
			struct watched *w = events[i].data.ptr;

			w->ready(w, events[i].events);
		}
		datagram_expire();
		while (freed_count)
			free(freed[--freed_count]);
	}
}

int net_relay(struct err *e, const char *network)
{
	struct rlimit limit;
	int r;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	relay.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (relay.epoll < 0)
		return err_set(e, errno, "epoll_create1");
	relay.now = now_ms();
	r = read_rules(e);
	if (r == 0 && network)
		r = join(e, network);
	if (r < 0)
		return r;
	drop_privileges();
	if (write_full(1, "ready\n", 6) < 0)
		return err_set(e, EPIPE, "the relay's output");
	leave_caller();
	serve();
	return 0;
}
