// SPDX-License-Identifier: Apache-2.0
/*
 * What drives a fuzz target where there is no libFuzzer: afl-fuzz (TARGET FILE), or, with gcc alone, its own mutations
 * (TARGET --seconds N FILE...). See cmd/dev/fuzz.sh.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_INPUT (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	uint8_t *data;
	size_t size;
};

static uint64_t state;

static uint32_t below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 16) % limit);
}

static struct input read_input(const char *path)
{
	struct input input = {malloc(MAX_INPUT), 0};
	FILE *f = fopen(path, "rb");

	if (!f || !input.data) {
		perror(path);
		exit(2);
	}
	input.size = fread(input.data, 1, MAX_INPUT, f);
	fclose(f);
	return input;
}

static void change(struct input *input, const struct input *other)
{
	static const uint32_t values[] = {0,	   1,	       2,	   0x100,      0xffff,
					  0x10000, 0x55555556, 0x7fffffff, 0xfffffffc, 0xffffffff};
	uint32_t words = (uint32_t)(input->size / 4), size = (uint32_t)input->size;
	uint32_t at, value, length;

	if (words == 0)
		return;
	at = 4 * below(below(2) && words > 56 ? 56 : words);
	memcpy(&value, input->data + at, 4);
	switch (below(6)) {
	case 0:
		value ^= 1u << below(32);
		break;
	case 1:
		value = values[below(sizeof(values) / sizeof(values[0]))];
		break;
	case 2:
		value += below(17) - 8;
		break;
	case 3:
		value = below(size);
		break;
	case 4:
		input->size = 1 + below(size);
		return;
	default:
		length = below(256);
		if (at + length <= input->size && at + length <= other->size)
			memcpy(input->data + at, other->data + at, length);
		return;
	}
	memcpy(input->data + at, &value, 4);
}

/* Changes inputs at random until the time is over. The seed is printed, so that a crash can be met again. */
static unsigned long mutate_for(unsigned int seconds, struct input *inputs, uint32_t count)
{
	time_t end = time(NULL) + (time_t)seconds;
	uint8_t *room = malloc(MAX_INPUT);
	unsigned long runs = 0;

	if (!room)
		abort();
	while (time(NULL) < end) {
		for (int i = 0; i < 1000; i++, runs++) {
			const struct input *from = &inputs[below(count)];
			struct input now = {room, from->size};

			memcpy(room, from->data, from->size);
			for (uint32_t n = 1 + below(8); n; n--)
				change(&now, &inputs[below(count)]);
			LLVMFuzzerTestOneInput(now.data, now.size);
		}
	}
	free(room);
	return runs;
}

int main(int argc, char **argv)
{
	unsigned int seconds = 0;
	struct input *inputs;
	uint32_t count;
	int first = 1;

	if (argc > 2 && strcmp(argv[1], "--seconds") == 0) {
		seconds = (unsigned int)strtoul(argv[2], NULL, 10);
		first = 3;
	}
	count = (uint32_t)(argc - first);
	if (argc <= first || !(inputs = calloc(count, sizeof(*inputs)))) {
		fputs("usage: TARGET [--seconds N] FILE...\n", stderr);
		return 2;
	}
	for (uint32_t i = 0; i < count; i++) {
		inputs[i] = read_input(argv[first + (int)i]);
		LLVMFuzzerTestOneInput(inputs[i].data, inputs[i].size);
	}
	if (seconds) {
		const char *seed = getenv("FUZZ_SEED");

		state = seed ? strtoull(seed, NULL, 10)
			     : (uint64_t)time(NULL) * 65537 + (uint64_t)getpid();
		state |= 1;
		printf("FUZZ_SEED=%llu\n", (unsigned long long)state);
		fflush(stdout);
		printf("%lu runs\n", mutate_for(seconds, inputs, count));
	}
	for (uint32_t i = 0; i < count; i++)
		free(inputs[i].data);
	free(inputs);
	return 0;
}
