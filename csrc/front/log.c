// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../base/appendix.h"
#include "../base/io.h"
#include "../base/utf8.h"

static struct {
	int fd; /* 0: not opened, messages go to stderr */
	int json;
	int debug;
} sink;

int log_open(struct err *e, const char *file, const char *format, int debug)
{
	sink.debug = debug;
	if (format && strcmp(format, "json") == 0)
		sink.json = 1;
	else if (format && *format && strcmp(format, "text") != 0)
		return err_set(e, 0, "invalid log-format: %s", format);
	if (!file || !*file)
		return 0;
	sink.fd = fd_above_stdio(
		open(file, O_WRONLY | O_CREAT | O_APPEND | O_SYNC | O_CLOEXEC, 0644));
	if (sink.fd >= 0)
		return 0;
	sink.fd = 0;
	return err_set(e, errno, "--log: open \"%s\"", file);
}

int log_descriptor(void)
{
	return sink.fd > 0 ? sink.fd : 2;
}

/* Escapes text for a double-quoted JSON string, which logrus' text form can be read as too. Return: end of what was written. */
static char *quote(char *to, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		size_t n = utf8_length(s);

		if (n == 0) {
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
			s++;
			continue;
		}
		if (*s == '"' || *s == '\\' || *s == '\n' || *s == '\t' || *s == '\r') {
			*to++ = '\\';
			*to++ = *s == '\n' ? 'n' : *s == '\t' ? 't' : *s == '\r' ? 'r' : (char)*s;
		} else if (*s < 0x20 || *s == 0x7f) {
			to += sprintf(to, "\\u%04x", *s);
		} else {
			memcpy(to, s, n);
			to += n;
		}
		s += n;
	}
	return to;
}

char *log_line(int json, const char *level, const char *text, long long seconds)
{
	char *line = malloc(strlen(text) * 6 + 128), *to = line;
	time_t now = (time_t)seconds;
	char stamp[32];
	struct tm tm;

	if (!line)
		return NULL;
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (json)
		to += sprintf(to, "{\"level\":\"%s\",\"msg\":\"", level);
	else
		to += sprintf(to, "time=\"%s\" level=%s msg=\"", stamp, level);
	to = quote(to, text);
	if (json)
		sprintf(to, "\",\"time\":\"%s\"}\n", stamp);
	else
		strcpy(to, "\"\n");
	return line;
}

static void log_write(const char *level, const char *text)
{
	_free_ char *whole = appendix_expand(text);
	_free_ char *line = log_line(sink.json, level, whole ? whole : text, time(NULL));

	if (line)
		write_full(sink.fd > 0 ? sink.fd : 2, line, strlen(line));
}

void log_error(const char *text)
{
	_free_ char *whole = appendix_expand(text);

	log_write("error", text);
	if (whole && sink.fd > 0) {
		write_full(2, whole, strlen(whole));
		write_full(2, "\n", 1);
	}
}

void log_warning(const char *text)
{
	log_write("warning", text);
}

int log_wants_debug(void)
{
	return sink.debug;
}

void log_debug(const char *format, ...)
{
	char text[1024];
	va_list ap;

	if (!sink.debug)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_write("debug", text);
}
