/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"

static const struct {
	const char *name;
	const char *journal;  /* the prefix that journald strips: sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "<3>" },
	[LOG_LEVEL_WARNING] = { "warning", "<4>" },
	[LOG_LEVEL_INFO] = { "info", "<6>" },
	[LOG_LEVEL_DEBUG] = { "debug", "<7>" },
};

enum { N_LEVELS = sizeof(levels) / sizeof(levels[0]), LINE_BYTES = 1024, QUEUE_LINES = 256 };

static enum log_level most = LOG_LEVEL_INFO;
static bool to_journal;

/* The queue: a ring of lines, and the thread that writes them. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	pthread_t thread;
	bool running, ending;
	unsigned first, count, dropped;
	char lines[QUEUE_LINES][LINE_BYTES];
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

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
static void write_line(const char *line)
{
	(void)!write(STDERR_FILENO, line, strlen(line));
}

static int prefix(char line[LINE_BYTES], enum log_level level)
{
	if (to_journal)
		return snprintf(line, LINE_BYTES, "%s", levels[level].journal);
	return snprintf(line, LINE_BYTES, "sockbrokerd: %s: ", levels[level].name);
}

/* Returns false: no thread is there to take it. */
static bool enqueue(const char *line)
{
	bool running;

	pthread_mutex_lock(&queue.lock);
	running = queue.running;
	if (running && queue.count == QUEUE_LINES)
		queue.dropped++;
	else if (running) {
		strcpy(queue.lines[(queue.first + queue.count++) % QUEUE_LINES], line);
		pthread_cond_signal(&queue.more);
	}
	pthread_mutex_unlock(&queue.lock);
	return running;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;
	int n, m;

	if (level > most)
		return;
	n = prefix(line, level);
	va_start(args, format);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	if (m < 0)
		return;
	strcat(line, "\n");
	if (!enqueue(line))
		write_line(line);
}

/* Takes the oldest line, or what is to be said of those that were dropped.
 * Returns false when it is time to end. */
static bool next_line(char line[LINE_BYTES])
{
	bool some = true;

	pthread_mutex_lock(&queue.lock);
	while (!queue.count && !queue.dropped && !queue.ending)
		pthread_cond_wait(&queue.more, &queue.lock);
	if (queue.count) {
		strcpy(line, queue.lines[queue.first]);
		queue.first = (queue.first + 1) % QUEUE_LINES;
		queue.count--;
	} else if (queue.dropped) {
		int n = prefix(line, LOG_LEVEL_WARNING);

		snprintf(line + n, LINE_BYTES - (size_t)n, "%u lines were not logged: nobody read them\n",
			 queue.dropped);
		queue.dropped = 0;
	} else {
		some = false;
	}
	pthread_mutex_unlock(&queue.lock);
	return some;
}

static void *log_run(void *unused)
{
	char line[LINE_BYTES];

	(void)unused;
	while (next_line(line))
		write_line(line);
	return NULL;
}

int log_start(void)
{
	int r = pthread_create(&queue.thread, NULL, log_run, NULL);

	queue.running = r == 0;
	return -r;
}

void log_stop(void)
{
	if (!queue.running)
		return;
	pthread_mutex_lock(&queue.lock);
	queue.ending = true;
	pthread_cond_signal(&queue.more);
	pthread_mutex_unlock(&queue.lock);
	pthread_join(queue.thread, NULL);
	queue.running = queue.ending = false;
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
