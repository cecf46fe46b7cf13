/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timers.h"

#include <errno.h>
#include <stdlib.h>

static void place(struct timers *ts, size_t position, struct timer *t)
{
	ts->heap[position] = t;
	t->position = position;
}

static void sift_up(struct timers *ts, struct timer *t)
{
	size_t i = t->position;

	for (; i > 1 && ts->heap[i / 2]->when_ns > t->when_ns; i /= 2)
		place(ts, i, ts->heap[i / 2]);
	place(ts, i, t);
}

static void sift_down(struct timers *ts, struct timer *t)
{
	size_t i = t->position;

	for (;;) {
		size_t child = 2 * i;

		if (child < ts->count && ts->heap[child + 1]->when_ns < ts->heap[child]->when_ns)
			child++;
		if (child > ts->count || ts->heap[child]->when_ns >= t->when_ns)
			break;
		place(ts, i, ts->heap[child]);
		i = child;
	}
	place(ts, i, t);
}

void timers_free(struct timers *ts)
{
	free(ts->heap);
	*ts = (struct timers){ 0 };
}

static int reserve(struct timers *ts)
{
	size_t capacity = ts->capacity ? ts->capacity * 2 : 64;
	struct timer **heap;

	if (ts->count + 1 < ts->capacity)
		return 0;
	heap = realloc(ts->heap, capacity * sizeof(struct timer *));
	if (!heap)
		return -ENOMEM;
	ts->heap = heap;
	ts->capacity = capacity;
	return 0;
}

int timer_set(struct timers *ts, struct timer *t, uint64_t when_ns)
{
	int r;

	timer_clear(ts, t);
	r = reserve(ts);
	if (r < 0)
		return r;
	t->when_ns = when_ns;
	place(ts, ++ts->count, t);
	sift_up(ts, t);
	return 0;
}

void timer_clear(struct timers *ts, struct timer *t)
{
	struct timer *last;

	if (!t->position)
		return;
	last = ts->heap[ts->count--];
	if (last != t) {
		place(ts, t->position, last);
		sift_up(ts, last);
		sift_down(ts, last);
	}
	t->position = 0;
}

uint64_t timers_next(const struct timers *ts)
{
	return ts->count ? ts->heap[1]->when_ns : UINT64_MAX;
}

void timers_run(struct timers *ts, uint64_t now_ns)
{
	while (ts->count && ts->heap[1]->when_ns <= now_ns) {
		struct timer *t = ts->heap[1];

		timer_clear(ts, t);
		t->expired(t);
	}
}
