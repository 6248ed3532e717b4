// SPDX-License-Identifier: Apache-2.0
/*
 * Texts that are longer than a struct err holds, such as what a hook has printed. The text of an error refers to one by two
 * bytes, which keep their meaning when prefixes are put before them; whoever shows the text to people expands it. They are
 * few, and live as long as the process.
 */
#ifndef TSRUN_BASE_APPENDIX_H
#define TSRUN_BASE_APPENDIX_H

#include <stddef.h>

/* Two bytes and a NUL. */
struct appendix_mark {
	char text[3];
};

/* Takes over fresh memory. Return: what stands for it in a text; when there are too many, for one that is empty. */
struct appendix_mark appendix_add(char *text);

/* What a text refers to, or NULL; *at is where. */
const char *appendix_find(const char *text, size_t *at);

/* The text with what it refers to in its place. Return: fresh memory or NULL. */
char *appendix_expand(const char *text);

#endif
