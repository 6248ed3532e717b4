// SPDX-License-Identifier: Apache-2.0
/* Prints the line that the C program would log: log-line json|text LEVEL SECONDS, the message on stdin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../csrc/front/log.h"

int main(int argc, char **argv)
{
	char text[65536];
	size_t n = fread(text, 1, sizeof(text) - 1, stdin);
	char *line;

	if (argc != 4)
		return 2;
	text[n] = '\0';
	line = log_line(strcmp(argv[1], "json") == 0, argv[2], text, atoll(argv[3]));
	if (!line)
		return 1;
	fputs(line, stdout);
	free(line);
	return 0;
}
