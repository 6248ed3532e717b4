/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#define _GNU_SOURCE
#include <stdint.h>

/* Prints a JSON string. */
void json_string(const char *s);

/* Runs the attempts named on the command line (`name arg... , name arg...`). Return: the exit status. */
int try_all(int argc, char **argv);
