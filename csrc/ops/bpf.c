// SPDX-License-Identifier: Apache-2.0
/* Device access in the unified hierarchy: a program at the cgroup decides. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "ops.h"

/* Tells our program from those of a service manager. */
#define PROGRAM_NAME "tsrun_devices"
#define MAX_ATTACHED 64u
#define LOG_SIZE 65536u

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static int load(const char *insns, uint32_t length, char *log)
{
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = address(insns);
	attr.insn_cnt = length / (uint32_t)sizeof(struct bpf_insn);
	attr.license = address("Apache-2.0");
	memcpy(attr.prog_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));
	if (log) {
		attr.log_buf = address(log);
		attr.log_size = LOG_SIZE;
		attr.log_level = 1;
	}
	fd = bpf(BPF_PROG_LOAD, &attr);
	return fd < 0 ? -errno : (int)fd;
}

/* The verifier's reasons take time to write down, so they are asked for only after a failure. */
static int load_or_explain(struct err *e, const char *insns, uint32_t length)
{
	int fd = load(insns, length, NULL), number = -fd;
	_free_ char *log = NULL;
	const char *end = "";

	if (fd >= 0)
		return fd;
	log = number == EINVAL || number == EACCES ? calloc(1, LOG_SIZE) : NULL;
	if (log && load(insns, length, log) < 0) {
		size_t n;

		one_line(log);
		n = strlen(log);
		end = n > 300 ? log + n - 300 : log;
	}
	return err_set(e, number, "bpf BPF_PROG_LOAD%s%s", *end ? ", the verifier says: " : "",
		       end);
}

static int is_ours(int program)
{
	struct bpf_prog_info info;
	union bpf_attr attr;

	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)program;
	attr.info.info_len = sizeof(info);
	attr.info.info = address(&info);
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 && strcmp(info.name, PROGRAM_NAME) == 0;
}

static int open_program(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	return (int)bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

/* A program of ours that is attached already. Return: fd, or -1 when there is none or it cannot be told. */
static int find_attached(int cgroup)
{
	uint32_t ids[MAX_ATTACHED];
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroup;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = address(ids);
	attr.query.prog_cnt = MAX_ATTACHED;
	if (bpf(BPF_PROG_QUERY, &attr) < 0)
		return -1;
	for (uint32_t i = 0; i < attr.query.prog_cnt && i < MAX_ATTACHED; i++) {
		// cppcheck-suppress uninitvar ; the kernel writes it, through its address
		int fd = open_program(ids[i]);

		if (fd >= 0 && is_ours(fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

int op_DEVICE_FILTER(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	_fd_close_ int cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_fd_close_ int program = -1, old = -1;
	union bpf_attr attr;

	if (cgroup < 0)
		return err_set(e, errno, "open \"%s\"", path);
	program = load_or_explain(e, op_string(c, op, 1), op->args[2]);
	if (program < 0)
		return program;
	old = find_attached(cgroup);
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	/* Those of others stay, and each of them can deny. */
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	if (bpf(BPF_PROG_ATTACH, &attr) < 0)
		return err_set(e, errno, "bpf BPF_PROG_ATTACH \"%s\"", path);
	return 0;
}
