/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers.h - who wants to be called when: a binary heap by time.
 *
 * Thread: the owner's lock.
 */
#ifndef SB_CORE_TIMERS_H
#define SB_CORE_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer {
	uint64_t when_ns;  /* clock_now_ns() */
	size_t position;   /* in the heap, from 1; 0 = not set */
	void (*expired)(struct timer *);
};

struct timers {
	struct timer **heap; /* heap[0] is unused */
	size_t count, capacity;
};

void timers_free(struct timers *);

/* Sets, or moves, a timer. Returns 0 or -ENOMEM. */
int timer_set(struct timers *, struct timer *, uint64_t when_ns)
	__attribute__((warn_unused_result));
/* Also of a timer that is not set. */
void timer_clear(struct timers *, struct timer *);

/* Returns when the first one is due, or UINT64_MAX. */
uint64_t timers_next(const struct timers *);

/* Takes out and calls each that is due. */
void timers_run(struct timers *, uint64_t now_ns);

#endif
