// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

static int is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static char *put(char *to, const char *text)
{
	size_t n = strlen(text);

	memcpy(to, text, n);
	return to + n;
}

/* One byte of ASCII. */
static char *escape_byte(char *to, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";

	if (c == '"' || c == '\\') {
		*to++ = '\\';
		*to++ = (char)c;
	} else if (c == '\n' || c == '\r') {
		*to++ = '\\';
		*to++ = c == '\n' ? 'n' : 'r';
	} else {
		to = put(to, "\\u00");
		*to++ = digits[c >> 4];
		*to++ = digits[c & 15];
	}
	return to;
}

/* One sequence of UTF-8, or what looks like the beginning of one. *s is moved on. */
static char *escape_wide(char *to, const unsigned char **s, const unsigned char *end)
{
	/* A copy, so that a sequence is never looked for beyond the end. */
	unsigned char copy[5] = {0};
	size_t n = (size_t)(end - *s) < 4 ? (size_t)(end - *s) : 4;

	memcpy(copy, *s, n);
	n = utf8_length(copy);
	*s += n ? n : 1;
	if (n == 0)
		return put(to, "\\ufffd");
	/* Line separators, which JavaScript takes for ends of lines. */
	if (memcmp(copy, "\xe2\x80\xa8", 3) == 0)
		return put(to, "\\u2028");
	if (memcmp(copy, "\xe2\x80\xa9", 3) == 0)
		return put(to, "\\u2029");
	memcpy(to, copy, n);
	return to + n;
}

char *json_escape(char *to, const void *text, size_t length)
{
	const unsigned char *s = text, *end = s + length;

	while (s < end) {
		const unsigned char *run = s;

		while (s < end && is_plain(*s))
			s++;
		memcpy(to, run, (size_t)(s - run));
		to += s - run;
		if (s == end)
			break;
		to = *s < 0x80 ? escape_byte(to, *s++) : escape_wide(to, &s, end);
	}
	return to;
}

char *json_string(const char *text)
{
	size_t length = strlen(text);
	char *string = malloc(length * JSON_WIDEST + 3), *at = string;

	if (!string)
		return NULL;
	*at++ = '"';
	at = json_escape(at, text, length);
	*at++ = '"';
	*at = '\0';
	return string;
}
