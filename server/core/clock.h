/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the one clock of the daemon: monotonic nanoseconds. */
#ifndef SB_CORE_CLOCK_H
#define SB_CORE_CLOCK_H

#include <stdint.h>
#include <time.h>

enum { NS_PER_MS = 1000000 };
static const uint64_t NS_PER_S = 1000000000;

static inline uint64_t clock_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

#endif
