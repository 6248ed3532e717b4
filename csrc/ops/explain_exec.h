// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_OPS_EXPLAIN_EXEC_H
#define TSRUN_OPS_EXPLAIN_EXEC_H

#include <stddef.h>

/**
 * explain_exec - why execve refused a file
 * @fd: the file, open for reading or O_PATH (then less can be told)
 * @number: errno of execve
 * @text: filled with half a sentence about the file
 *
 * Looks at the file and at the interpreters it names, by their paths, so it must run where execve failed.
 *
 * Return: 1 when the reason was found, else 0 (text is empty).
 */
int explain_exec(int fd, int number, char *text, size_t size);

#endif
