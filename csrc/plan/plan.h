// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_PLAN_PLAN_H
#define TSRUN_PLAN_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

enum op_code {
#define OP(name, code, side, signature, syscall, args, doc) OP_##name = code,
#include "ops.def"
#undef OP
};

enum section {
	SECTION_PREPARE,
	SECTION_ADOPT,
	SECTION_HOOKS,
	SECTION_SETUP,
	SECTION_DROP,
	SECTION_START,
	SECTION_COMMIT,
	SECTION_POSTSTART,
	SECTION_UNDO,
	SECTION_POSTSTOP,
	SECTION_PAUSE,
	SECTION_RESUME,
	SECTION_COUNT
};

enum field {
	FIELD_ID,
	FIELD_STATE_JSON,
	FIELD_STATE_OUTPUT,
	FIELD_FREEZER,
	FIELD_CGROUP,
	FIELD_PIDNS_SHARED,
	FIELD_BUNDLE,
	FIELD_ROOTFS,
	FIELD_CREATED,
	FIELD_PROCS_DIRS,
	FIELD_10,
	FIELD_11,
	FIELD_COUNT
};

/* Bits of an op's tolerated errors. */
#define TOLERATE_ENOENT (1u << 0)
#define TOLERATE_EPERM (1u << 1)
#define TOLERATE_EINVAL (1u << 2)
#define TOLERATE_ENOSYS (1u << 3)
#define TOLERATE_EBUSY (1u << 4)
#define TOLERATE_EEXIST (1u << 5)
#define TOLERATE_ENOTDIR (1u << 6)
#define TOLERATE_ESRCH (1u << 7)
#define TOLERATE_EROFS (1u << 8)
#define TOLERATE_ENXIO (1u << 9)

#define KNOWN_TOLERANCES ((1u << 10) - 1)

#define NO_SLOT 0xffffffffu
#define MAX_SLOTS 256u

#define SPAWN_TERMINAL 1u
#define SPAWN_STAGE 2u
#define SPAWN_EXEC 4u
#define SPAWN_DUMPABLE 8u

struct join {
	uint32_t slot;
	uint32_t nstype;
};

struct spawn {
	uint64_t clone_flags;
	const struct join *joins;
	uint32_t join_count;
	const char *time_offsets; /* "" none */
	uint32_t cgroup_slot;	  /* NO_SLOT none */
	uint32_t flags;
};

/* A run of ops; words stand inside the plan. */
struct ops {
	const uint32_t *words;
	uint32_t count;
};

struct plan {
	const unsigned char *bytes;
	size_t length;
	const char *pool;
	uint32_t pool_length;
	uint32_t slot_count;
	struct ops sections[SECTION_COUNT];
	const char *fields[FIELD_COUNT];
	struct spawn spawn;
	const uint32_t *warnings; /* pool offsets */
	uint32_t warning_count;
};

/* One decoded op: pointers go into the plan. */
struct op {
	enum op_code code;
	const char *label;
	uint32_t tolerate;
	uint32_t argc;
	const uint32_t *args;
};

/*
 * Checks a whole plan (bounds, codes, signatures, sides, slots, every string) and fills p; nothing is copied. bytes must be
 * 4-byte aligned and outlive p. Return: 0, or -1 with e filled.
 */
int plan_decode(struct err *e, struct plan *p, const void *bytes, size_t length);

/* The op at *cursor of a checked plan; moves the cursor on. */
void plan_next(const struct plan *p, const uint32_t **cursor, struct op *op);

const char *op_name(enum op_code code);
const char *op_syscall(enum op_code code);
const char *op_signature(enum op_code code);
const char *section_name(enum section section);

/* True when the mask of tolerated errors has this errno. */
int op_tolerates(uint32_t mask, int number);

/* Arguments by word index, of a checked op. */
static inline const char *plan_string(const struct plan *p, uint32_t offset)
{
	return p->pool + offset;
}

static inline uint64_t plan_u64(const uint32_t *words)
{
	return (uint64_t)words[1] << 32 | words[0];
}

/* A list argument as a NULL-terminated vector, in fresh memory. Return: vector or NULL. */
char **plan_vector(const struct plan *p, const uint32_t *words);

#endif
