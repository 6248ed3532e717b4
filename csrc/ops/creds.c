// SPDX-License-Identifier: Apache-2.0
/* Who the user process is and what it may do. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ops.h"
#include "process.h"

/* libc makes all threads follow; there is one. */
#ifdef SYS_setresuid32
#define NR_SETRESUID SYS_setresuid32
#define NR_SETRESGID SYS_setresgid32
#define NR_SETGROUPS SYS_setgroups32
#else
#define NR_SETRESUID SYS_setresuid
#define NR_SETRESGID SYS_setresgid
#define NR_SETGROUPS SYS_setgroups
#endif

#define IDS_SETGROUPS 1u

struct caps {
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
};

static const char *const cap_names[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};
#define CAP_NAMES (sizeof(cap_names) / sizeof(cap_names[0]))

static uint64_t bit(unsigned int cap)
{
	return (uint64_t)1 << cap;
}

static int caps_get(struct err *e, struct caps *caps)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return err_set(e, errno, "capget");
	caps->effective = (uint64_t)data[1].effective << 32 | data[0].effective;
	caps->permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	caps->inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
	return 0;
}

static int caps_set(struct err *e, const struct caps *caps)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (unsigned int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(caps->effective >> (32 * i));
		data[i].permitted = (uint32_t)(caps->permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(caps->inheritable >> (32 * i));
	}
	if (syscall(SYS_capset, &header, data) < 0)
		return err_set(
			e, errno, "capset (effective %#llx, permitted %#llx, inheritable %#llx)",
			(unsigned long long)caps->effective, (unsigned long long)caps->permitted,
			(unsigned long long)caps->inheritable);
	return 0;
}

int op_NO_NEW_PRIVS(struct err *e, struct context *c, const struct op *op)
{
	(void)c;
	(void)op;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, errno, "prctl PR_SET_NO_NEW_PRIVS");
	return 0;
}

int op_UMASK(struct err *e, struct context *c, const struct op *op)
{
	(void)e;
	(void)c;
	umask(op->args[0] & 0777);
	return 0;
}

int op_CAP_BOUND(struct err *e, struct context *c, const struct op *op)
{
	uint64_t mask = plan_u64(op->args);

	(void)c;
	for (unsigned int cap = 0; cap < 64; cap++) {
		if (mask & bit(cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			break; /* the kernel has no more of them */
		/* Dropping needs CAP_SETPCAP even where there is nothing to drop. */
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) > 0)
			return err_set(e, EPERM, "prctl PR_CAPBSET_DROP (capability %u)", cap);
	}
	return 0;
}

/* The user process can use the stdio that it is given; where that cannot be done it may still be able to. */
static void give_stdio(int terminal, uid_t uid)
{
	for (int i = 0; i < 3; i++) {
		int fd = terminal >= 0 ? terminal : i;
		struct stat st;

		if (fstat(fd, &st) < 0 || st.st_uid == uid)
			continue;
		if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
			continue; /* /dev/null belongs to all */
		if (fchown(fd, uid, (gid_t)-1) < 0)
			continue;
	}
}

static int set_groups(struct err *e, const char *bytes, uint32_t length)
{
	uint32_t count = length / sizeof(gid_t);
	_free_ gid_t *groups = malloc(length + sizeof(gid_t));

	if (!groups)
		return err_set(e, ENOMEM, "setgroups");
	memcpy(groups, bytes, length); /* the pool has no alignment */
	if (syscall(NR_SETGROUPS, (size_t)count, groups) < 0)
		return err_set(e, errno, "setgroups (%u groups)%s", count,
			       errno == EPERM ? " (denied by the user namespace or for lack of "
						"CAP_SETGID)"
					      : "");
	return 0;
}

/* Effective capabilities are lost with uid 0, though the permitted ones are kept. */
static int raise_kept(struct err *e)
{
	struct caps caps;
	int r = caps_get(e, &caps);

	if (r < 0 || caps.effective == caps.permitted)
		return r;
	caps.effective = caps.permitted;
	return caps_set(e, &caps);
}

int op_IDS(struct err *e, struct context *c, const struct op *op)
{
	uid_t uid = op->args[0];
	gid_t gid = op->args[1];
	int r;

	give_stdio(c->slave, uid);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_set(e, errno, "prctl PR_SET_KEEPCAPS");
	if (op->args[4] & IDS_SETGROUPS) {
		r = set_groups(e, op_string(c, op, 2), op->args[3]);
		if (r < 0)
			return r;
	}
	if (syscall(NR_SETRESGID, gid, gid, gid) < 0)
		return err_set(e, errno, "setresgid %u", gid);
	if (syscall(NR_SETRESUID, uid, uid, uid) < 0)
		return err_set(e, errno, "setresuid %u", uid);
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	c->ids_done = 1;
	if (c->cwd) {
		r = cwd_enter(e, c->cwd);
		if (r < 0)
			return r;
		c->cwd = NULL;
	}
	return raise_kept(e);
}

/* Specification: what cannot be granted must be told, and must not be an error. */
static void tell_lost(struct context *c, uint64_t lost)
{
	size_t n = strlen(c->notice), size = sizeof(c->notice);
	const char *before = "capabilities that cannot be granted are left out: ";

	if (n && n < size)
		n += (size_t)snprintf(c->notice + n, size - n, "; ");
	for (unsigned int cap = 0; cap < 64 && n < size; cap++) {
		if (!(lost & bit(cap)))
			continue;
		if (cap < CAP_NAMES)
			n += (size_t)snprintf(c->notice + n, size - n, "%sCAP_%s", before,
					      cap_names[cap]);
		else
			n += (size_t)snprintf(c->notice + n, size - n, "%sCAP_%u", before, cap);
		before = ", ";
	}
}

static uint64_t bounding_of(uint64_t asked)
{
	uint64_t found = 0;

	for (unsigned int cap = 0; cap < 64; cap++)
		if ((asked & bit(cap)) && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) > 0)
			found |= bit(cap);
	return found;
}

/* Ambient ones stay empty unless asked for; those that cannot be granted have been taken out. */
static int set_ambient(struct err *e, uint64_t mask)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return err_set(e, errno, "prctl PR_CAP_AMBIENT_CLEAR_ALL");
	for (unsigned int cap = 0; cap < 64; cap++) {
		if (!(mask & bit(cap)))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0 && errno == EPERM)
			return err_set(e, EPERM,
				       "prctl PR_CAP_AMBIENT_RAISE (CAP_%s; it must be permitted "
				       "and inheritable)",
				       cap < CAP_NAMES ? cap_names[cap] : "?");
	}
	return 0;
}

/* Inheritable and ambient sets only as asked, whatever the caller has (CVE-2022-29162, CVE-2022-27650). */
int op_CAPS(struct err *e, struct context *c, const struct op *op)
{
	uint64_t effective = plan_u64(op->args), permitted = plan_u64(op->args + 2);
	uint64_t inheritable = plan_u64(op->args + 4), ambient = plan_u64(op->args + 6);
	uint64_t may_inherit, lost;
	struct caps have, caps;
	int r = caps_get(e, &have);

	if (r < 0)
		return r;
	may_inherit = have.inheritable | bounding_of(inheritable);
	if (!(have.effective & bit(CAP_SETPCAP)))
		may_inherit &= have.inheritable | have.permitted;
	caps.permitted = permitted & have.permitted;
	caps.effective = effective & caps.permitted;
	caps.inheritable = inheritable & may_inherit;
	lost = (permitted & ~caps.permitted) | (inheritable & ~caps.inheritable);
	r = caps_set(e, &caps);
	if (r == 0)
		r = set_ambient(e, ambient & ~lost);
	if (r == 0 && lost)
		tell_lost(c, lost);
	return r;
}
