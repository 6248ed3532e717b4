// SPDX-License-Identifier: Apache-2.0
/*
 * A network device of the host becomes one of the container. Moving it clears its addresses and sets it down; what
 * was configured on the host is put back.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netlink.h"
#include "ops.h"

#define NAME_SIZE 16u /* IFNAMSIZ; net/if.h and linux/if.h clash */
#define IFF_UP_FLAG 1u
#define MAX_TRIES 1024u

/* Properties of an address that its owner chose; the others are states. */
#define KEPT_FLAGS (IFA_F_NODAD | IFA_F_NOPREFIXROUTE | IFA_F_MANAGETEMPADDR | IFA_F_HOMEADDRESS)

struct addresses {
	int index;
	char *bytes; /* RTM_NEWADDR messages, one after the other */
	size_t length;
};

struct move {
	int host;   /* netlink in the namespace of the host */
	int target; /* fd of the container's network namespace */
	int index;
	const char *name;
	char wanted[NAME_SIZE]; /* its name inside; may end in %d */
	struct addresses addresses;
};

static int take_index(struct err *e, const struct nlmsghdr *m, void *data)
{
	const struct ifinfomsg *link = NLMSG_DATA(m);

	(void)e;
	if (m->nlmsg_type == RTM_NEWLINK && m->nlmsg_len >= NLMSG_LENGTH(sizeof(*link)))
		*(int *)data = link->ifi_index;
	return 0;
}

/* Return: the index of a device, or < 0 (-ENODEV: no such device). */
static int find_device(struct err *e, int fd, const char *name)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	struct request r;
	char what[64];
	int index = 0, result;

	snprintf(what, sizeof(what), "netlink: device \"%s\"", name);
	request_start(&r, RTM_GETLINK, 0, &any, sizeof(any));
	request_add(&r, IFLA_IFNAME, name, strlen(name) + 1);
	result = netlink_talk(e, fd, &r, take_index, &index, what);
	if (result < 0)
		return result;
	return index > 0 ? index : err_set(e, ENODEV, "%s", what);
}

static uint32_t address_flags(const struct nlmsghdr *m)
{
	const struct ifaddrmsg *address = NLMSG_DATA(m);
	const struct nlattr *wide = message_attribute(m, sizeof(*address), IFA_FLAGS);
	uint32_t flags = address->ifa_flags;

	if (wide && attribute_length(wide) == sizeof(flags))
		memcpy(&flags, attribute_data(wide), sizeof(flags));
	return flags;
}

/* Only global ones that were set for good: those from DHCP or router advertisements belong to the old network. */
static int keep_address(struct err *e, const struct nlmsghdr *m, void *data)
{
	const struct ifaddrmsg *address = NLMSG_DATA(m);
	struct addresses *all = data;
	size_t size = NLMSG_ALIGN(m->nlmsg_len);
	char *larger;

	if (m->nlmsg_type != RTM_NEWADDR || m->nlmsg_len < NLMSG_LENGTH(sizeof(*address)) ||
	    address->ifa_index != (uint32_t)all->index || address->ifa_scope != RT_SCOPE_UNIVERSE ||
	    !(address_flags(m) & IFA_F_PERMANENT))
		return 0;
	larger = realloc(all->bytes, all->length + size);
	if (!larger)
		return err_set(e, ENOMEM, "addresses");
	all->bytes = larger;
	memset(larger + all->length + size - NLMSG_ALIGNTO, 0, NLMSG_ALIGNTO);
	memcpy(larger + all->length, m, m->nlmsg_len);
	all->length += size;
	return 0;
}

static int read_addresses(struct err *e, struct move *move)
{
	const struct ifaddrmsg which = {.ifa_family = AF_UNSPEC,
					.ifa_index = (uint32_t)move->index};
	struct request r;

	move->addresses.index = move->index;
	request_start(&r, RTM_GETADDR, NLM_F_DUMP, &which, sizeof(which));
	return netlink_talk(e, move->host, &r, keep_address, &move->addresses,
			    "netlink: read addresses");
}

static int add_address(struct err *e, int fd, const struct nlmsghdr *m, int index, int renamed)
{
	static const uint16_t kept[] = {IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST, IFA_RT_PRIORITY,
					IFA_LABEL};
	struct ifaddrmsg address;
	uint32_t flags = address_flags(m) & KEPT_FLAGS;
	struct request r;

	memcpy(&address, NLMSG_DATA(m), sizeof(address));
	address.ifa_index = (uint32_t)index;
	address.ifa_flags = 0;
	request_start(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &address, sizeof(address));
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const struct nlattr *a = message_attribute(m, sizeof(address), kept[i]);

		/* A label starts with the name of its device. */
		if (a && !(renamed && kept[i] == IFA_LABEL))
			request_add(&r, kept[i], attribute_data(a), attribute_length(a));
	}
	request_add(&r, IFA_FLAGS, &flags, sizeof(flags));
	return netlink_talk(e, fd, &r, NULL, NULL, "netlink: add an address");
}

static int add_addresses(struct err *e, int fd, const struct move *move, int index)
{
	int renamed = strcmp(move->name, move->wanted) != 0, r = 0;

	for (size_t at = 0; at < move->addresses.length && r == 0;) {
		const struct nlmsghdr *m = (const void *)(move->addresses.bytes + at);

		r = add_address(e, fd, m, index, renamed);
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
	return r;
}

/* Puts the lowest free number for a closing %d: afterwards the device could not be found by its name. */
static int choose_name(struct err *e, int fd, char *name)
{
	size_t length = strlen(name);
	char stem[NAME_SIZE];

	if (length < 2 || strcmp(name + length - 2, "%d") != 0)
		return 0;
	memcpy(stem, name, length - 2);
	stem[length - 2] = '\0';
	for (unsigned int i = 0; i < MAX_TRIES; i++) {
		int r;

		if (snprintf(name, NAME_SIZE, "%s%u", stem, i) >= (int)NAME_SIZE)
			break;
		r = find_device(e, fd, name);
		if (r == -ENODEV)
			return 0;
		if (r < 0)
			return r;
	}
	return err_set(e, EEXIST, "netlink: all names \"%s%%d\" are taken", stem);
}

static int move_device(struct err *e, const struct move *move)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = move->index};
	struct request r;
	char what[96];

	snprintf(what, sizeof(what), "netlink: move device \"%s\" as \"%s\"", move->name,
		 move->wanted);
	request_start(&r, RTM_NEWLINK, 0, &link, sizeof(link));
	request_add(&r, IFLA_NET_NS_FD, &move->target, sizeof(move->target));
	request_add(&r, IFLA_IFNAME, move->wanted, strlen(move->wanted) + 1);
	return netlink_talk(e, move->host, &r, NULL, NULL, what);
}

static int set_up(struct err *e, int fd, int index)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC,
				       .ifi_index = index,
				       .ifi_flags = IFF_UP_FLAG,
				       .ifi_change = IFF_UP_FLAG};
	struct request r;

	request_start(&r, RTM_NEWLINK, 0, &link, sizeof(link));
	return netlink_talk(e, fd, &r, NULL, NULL, "netlink: set the device up");
}

/* In a process of its own, as it enters the namespace. */
static int work_inside(struct err *e, struct move *move)
{
	int fd, index, r;

	if (setns(move->target, CLONE_NEWNET) < 0)
		return err_set(e, errno, "setns (network namespace of the container)");
	fd = netlink_open(e);
	if (fd < 0)
		return fd;
	r = choose_name(e, fd, move->wanted);
	if (r == 0 && find_device(e, fd, move->wanted) >= 0)
		r = err_set(e, EEXIST, "netlink: device \"%s\" in the container", move->wanted);
	if (r == 0)
		r = move_device(e, move);
	if (r < 0)
		return r;
	index = find_device(e, fd, move->wanted);
	if (index < 0)
		return index;
	r = add_addresses(e, fd, move, index);
	return r < 0 ? r : set_up(e, fd, index);
}

static int run_inside(struct err *e, struct move *move)
{
	int ends[2], status, r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe2");
	pid = fork();
	if (pid == 0) {
		r = work_inside(e, move);
		if (r < 0)
			write_full(ends[1], e, sizeof(*e));
		_exit(r < 0);
	}
	close(ends[1]);
	if (pid < 0)
		r = err_set(e, errno, "fork");
	else if (read_full(ends[0], e, sizeof(*e)) == 0)
		r = e->number ? -e->number : -1;
	else
		r = 0; /* nothing was told */
	close(ends[0]);
	if (pid < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "waitpid");
	if (r == 0 && status)
		return err_set(e, 0, "the process that moves the device has died");
	return r;
}

/* Before anything is moved: a virtual device that was moved ends with the container when that fails. */
int op_NET_DEVICE_PRESENT(struct err *e, struct context *c, const struct op *op)
{
	_fd_close_ int host = netlink_open(e);
	int index = host < 0 ? host : find_device(e, host, op_string(c, op, 0));

	return index < 0 ? index : 0;
}

int op_NET_DEVICE(struct err *e, struct context *c, const struct op *op)
{
	const char *rename = op_string(c, op, 1);
	struct move move = {.host = -1, .target = -1, .name = op_string(c, op, 0)};
	_fd_close_ int host = -1, target = -1;
	char path[64];
	int r;

	if (!*rename)
		rename = move.name;
	if (strlen(move.name) >= NAME_SIZE || strlen(rename) >= NAME_SIZE)
		return err_set(e, ENAMETOOLONG, "netlink: device \"%s\"", move.name);
	/* The kernel would move it first and refuse the name afterwards. */
	if (strpbrk(rename, "/: \t\n"))
		return err_set(e, EINVAL, "netlink: name \"%s\" for device \"%s\"", rename,
			       move.name);
	strcpy(move.wanted, rename);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)c->pid);
	target = open(path, O_RDONLY | O_CLOEXEC);
	if (target < 0)
		return err_set(e, errno, "open \"%s\"", path);
	host = netlink_open(e);
	if (host < 0)
		return host;
	move.host = host;
	move.target = target;
	move.index = find_device(e, host, move.name);
	if (move.index < 0)
		return move.index;
	r = read_addresses(e, &move);
	if (r == 0)
		r = run_inside(e, &move);
	free(move.addresses.bytes);
	return r;
}
