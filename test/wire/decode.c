// SPDX-License-Identifier: Apache-2.0
/*
 * decode FILE      prints the plan in a file, or why it is refused
 * decode --stream  stdin holds plans, each after its length (u32): prints a line for each, `accepted` or `refused: WHY`
 */
#include <stdlib.h>
#include <string.h>

#include "print.h"

/* A block of exactly the plan's size, so that a sanitizer sees what reads past its end. */
static unsigned char *read_block(FILE *f, size_t length)
{
	unsigned char *block = malloc(length ? length : 1);

	if (!block || fread(block, 1, length, f) != length) {
		perror("read");
		exit(2);
	}
	return block;
}

static int decode_stream(void)
{
	FILE *nowhere = fopen("/dev/null", "w");
	uint32_t length;

	if (!nowhere)
		return 2;
	while (fread(&length, sizeof(length), 1, stdin) == 1) {
		unsigned char *block = read_block(stdin, length);
		struct err e = {0};
		struct plan p;

		if (plan_decode(&e, &p, block, length) < 0) {
			printf("refused: %s\n", e.text);
		} else {
			plan_print(nowhere, &p);
			puts("accepted");
		}
		fflush(stdout);
		free(block);
	}
	fclose(nowhere);
	return 0;
}

static int decode_file(const char *path)
{
	struct err e = {0};
	unsigned char *block;
	struct plan p;
	long length;
	FILE *f = fopen(path, "rb");

	if (!f || fseek(f, 0, SEEK_END) < 0 || (length = ftell(f)) < 0) {
		perror(path);
		return 2;
	}
	rewind(f);
	block = read_block(f, (size_t)length);
	fclose(f);
	if (plan_decode(&e, &p, block, (size_t)length) < 0) {
		printf("refused: %s\n", e.text);
		free(block);
		return 1;
	}
	plan_print(stdout, &p);
	free(block);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: decode FILE | --stream\n", stderr);
		return 2;
	}
	return strcmp(argv[1], "--stream") == 0 ? decode_stream() : decode_file(argv[1]);
}
