/* SPDX-License-Identifier: Apache-2.0 */
/* deadline.h - what is left of a time limit, for calls that take several
 * requests. A limit is in nanoseconds: 0 not at all, negative for ever. */
#ifndef SB_DEADLINE_H
#define SB_DEADLINE_H

#include <stdint.h>
#include <time.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static inline int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* When @wait_ns ends; as @wait_ns if it is 0 or negative. */
static inline int64_t deadline_of(int64_t wait_ns)
{
	int64_t now;

	if (wait_ns <= 0)
		return wait_ns;
	now = now_ns();
	return wait_ns > INT64_MAX - now ? -1 : now + wait_ns;
}

/* The rest of it, as a limit again. */
static inline int64_t deadline_left(int64_t deadline)
{
	int64_t left;

	if (deadline <= 0)
		return deadline;
	left = deadline - now_ns();
	return left > 0 ? left : 0;
}

#endif
