// SPDX-License-Identifier: Apache-2.0
/*
 * Text as it stands in a JSON string, in the way of Go's encoder, whose output others compare with. No library is used: what is
 * written is a few fixed objects.
 */
#ifndef TSRUN_BASE_JSON_H
#define TSRUN_BASE_JSON_H

#include <stddef.h>

/* Most that a byte of text becomes. */
#define JSON_WIDEST 6

/* Escapes bytes, without quotes and NUL; what is no UTF-8 is replaced. to: room for JSON_WIDEST each. Return: end of it. */
char *json_escape(char *to, const void *text, size_t length);

/* `"text"`, as fresh memory, or NULL. */
char *json_string(const char *text);

#endif
