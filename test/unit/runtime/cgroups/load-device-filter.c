// SPDX-License-Identifier: Apache-2.0
/* Loads the eBPF device program on stdin. Exit: 0 taken, 1 refused (the verifier's reasons on stderr), 77 no eBPF. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char insns[1 << 16], reasons[1 << 16];

int main(void)
{
	union bpf_attr attr;
	ssize_t n = read(STDIN_FILENO, insns, sizeof(insns));
	int fd;

	if (n <= 0 || n % (ssize_t)sizeof(struct bpf_insn))
		return 1;
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = (uint32_t)((size_t)n / sizeof(struct bpf_insn));
	attr.license = (uint64_t)(uintptr_t) "Apache-2.0";
	attr.log_buf = (uint64_t)(uintptr_t)reasons;
	attr.log_size = sizeof(reasons);
	attr.log_level = 1;
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd >= 0)
		return 0;
	fprintf(stderr, "bpf: %s\n%s", strerror(errno), reasons);
	return errno == ENOSYS || errno == EPERM ? 77 : 1;
}
