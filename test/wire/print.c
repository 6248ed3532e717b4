// SPDX-License-Identifier: Apache-2.0
#include "print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void print_hex(FILE *out, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		fprintf(out, "%02x", (unsigned char)data[i]);
}

static void print_string(FILE *out, const char *text)
{
	print_hex(out, text, strlen(text));
}

static void print_list(FILE *out, const struct plan *p, const uint32_t *words)
{
	char **vector = plan_vector(p, words);

	if (!vector)
		abort();
	fputs("[", out);
	for (size_t i = 0; vector[i]; i++) {
		fputs(i ? "," : "", out);
		print_string(out, vector[i]);
	}
	fputs("]", out);
	free((void *)vector);
}

/* Prints one argument. Return: how many words it takes. */
static uint32_t print_argument(FILE *out, const struct plan *p, char letter, const uint32_t *words)
{
	switch (letter) {
	case 'q':
		fprintf(out, "%" PRIu64, plan_u64(words));
		return 2;
	case 's':
	case 'r':
		fputs("\"", out);
		print_string(out, plan_string(p, words[0]));
		return 1;
	case 'b':
		fputs("'", out);
		print_hex(out, plan_string(p, words[0]), words[1]);
		if (strlen(plan_string(p, words[0])) > p->pool_length)
			abort();
		return 2;
	case 'v':
		print_list(out, p, words);
		return 2;
	default:
		if (letter == 'O' && words[0] == NO_SLOT)
			fputs("-", out);
		else
			fprintf(out, "%" PRIu32, words[0]);
		return 1;
	}
}

static void print_op(FILE *out, const struct plan *p, enum section section, const struct op *op)
{
	uint32_t n = 0;

	fprintf(out, "%s %s %" PRIu32 " \"", section_name(section), op_name(op->code),
		op->tolerate);
	print_string(out, op->label);
	for (const char *s = op_signature(op->code); *s; s++) {
		fputs(" ", out);
		n += print_argument(out, p, *s, op->args + n);
	}
	fputs("\n", out);
}

static void print_spawn(FILE *out, const struct spawn *s)
{
	fprintf(out, "spawn %" PRIu64 " %" PRIu32 " ", s->clone_flags, s->flags);
	if (s->cgroup_slot == NO_SLOT)
		fputs("-", out);
	else
		fprintf(out, "%" PRIu32, s->cgroup_slot);
	fputs(" \"", out);
	print_string(out, s->time_offsets);
	for (uint32_t i = 0; i < s->join_count; i++)
		fprintf(out, " %" PRIu32 ":%" PRIu32, s->joins[i].slot, s->joins[i].nstype);
	fputs("\n", out);
}

void plan_print(FILE *out, const struct plan *p)
{
	fprintf(out, "slots %" PRIu32 "\n", p->slot_count);
	print_spawn(out, &p->spawn);
	for (int i = 0; i < FIELD_COUNT; i++) {
		fputs("field \"", out);
		print_string(out, p->fields[i]);
		fputs("\n", out);
	}
	for (uint32_t i = 0; i < p->warning_count; i++) {
		fputs("warning \"", out);
		print_string(out, plan_string(p, p->warnings[i]));
		fputs("\n", out);
	}
	for (int section = 0; section < SECTION_COUNT; section++) {
		const uint32_t *cursor = p->sections[section].words;

		for (uint32_t i = 0; i < p->sections[section].count; i++) {
			struct op op;

			plan_next(p, &cursor, &op);
			print_op(out, p, section, &op);
		}
	}
}
