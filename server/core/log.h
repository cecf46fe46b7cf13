/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line an event, to standard error, with a priority that journald
 * understands when it reads there.
 *
 * A function logs, or returns an error; never both. What a client can cause
 * goes through log_limited(). No payload, no secrets. Any thread.
 */
#ifndef SB_CORE_LOG_H
#define SB_CORE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Once, before any thread. */
void log_init(enum log_level most);
/* From here on lines are written by a thread of the log's own: standard error may
 * be a pipe that nobody reads, and a shard must not wait for it. What finds the
 * queue full is dropped, and counted. Returns 0 or -errno. */
int log_start(void);
/* Writes what is queued, and ends the thread. */
void log_stop(void);
/* Returns a level, or -1: not one of error, warning, info, debug. */
int log_level_parse(const char *text);

void log_line(enum log_level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* At most so many lines a second for each of these; what was left out is
 * counted, and said in the next line that is let through. */
struct log_limit {
	unsigned per_second;
	unsigned long long second;
	unsigned used, dropped;
};
/* Returns whether a line may be written now, and in *@ret_dropped how many
 * were left out before it. */
bool log_may(struct log_limit *, unsigned *ret_dropped);

#endif
