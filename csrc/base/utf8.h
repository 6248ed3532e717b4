// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_BASE_UTF8_H
#define TSRUN_BASE_UTF8_H

#include <stddef.h>

/* Length of the UTF-8 sequence at s, or 0 when it is none. What s points to ends with a byte that continues none, such as NUL. */
size_t utf8_length(const unsigned char *s);

#endif
