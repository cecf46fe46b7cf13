/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "core/clock.h"

static const struct {
	const char *name;
	const char *journal;  /* the prefix that journald strips */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", SD_ERR },
	[LOG_LEVEL_WARNING] = { "warning", SD_WARNING },
	[LOG_LEVEL_INFO] = { "info", SD_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", SD_DEBUG },
};

enum { N_LEVELS = sizeof(levels) / sizeof(levels[0]), LINE_BYTES = 1024 };

static enum log_level most = LOG_LEVEL_INFO;
static bool to_journal;

void log_init(enum log_level level)
{
	most = level;
	to_journal = getenv("JOURNAL_STREAM") != NULL;
}

int log_level_parse(const char *text)
{
	for (int i = 0; i < N_LEVELS; i++)
		if (strcmp(text, levels[i].name) == 0)
			return i;
	return -1;
}

/* One write(2), so that lines of several threads do not mix. */
void log_line(enum log_level level, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;
	int n, m;

	if (level > most)
		return;

	n = to_journal ? snprintf(line, sizeof(line), "%s", levels[level].journal)
		       : snprintf(line, sizeof(line), "sockbrokerd: %s: ", levels[level].name);
	va_start(args, format);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	if (m < 0)
		return;
	n += m;
	if (n > LINE_BYTES - 2)
		n = LINE_BYTES - 2;
	line[n++] = '\n';
	(void)!write(STDERR_FILENO, line, (size_t)n);
}

bool log_may(struct log_limit *l, unsigned *ret_dropped)
{
	unsigned long long second = clock_now_ns() / NS_PER_S;

	if (second != l->second) {
		l->second = second;
		l->used = 0;
	}
	if (l->used >= l->per_second) {
		l->dropped++;
		return false;
	}
	l->used++;
	*ret_dropped = l->dropped;
	l->dropped = 0;
	return true;
}
