/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc_spin.c - waiting for gRPC's next event: awake at first, then asleep.
 *
 * To fall asleep and be woken from another core costs more than the broker takes
 * for a small request, and is paid on both sides: gRPC hears also of what it
 * has no use for, such as that the broker has read. So who waits keeps
 * looking for a short while. That is worth it only if answers come within it:
 * each time that it was in vain it is left out a number of times, twice as many
 * as before. Who waits for data from afar hardly ever spins.
 *
 * The counts are a guess that threads share: nothing depends on them.
 */
#include <stdlib.h>
#include <unistd.h>

#include "rpc_private.h"

enum { SPIN_US = 100, SPIN_US_MOST = 10000, LEFT_OUT_MOST = 256 };

unsigned spin_us_of_environment(void)
{
	const char *text = secure_getenv("SOCKBROKER_SPIN_US");
	unsigned long us;

	if (!text)
		return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? SPIN_US : 0;
	us = strtoul(text, NULL, 10);
	return us > SPIN_US_MOST ? SPIN_US_MOST : (unsigned)us;
}

static bool may_spin(struct sb_broker *b)
{
	const unsigned left_out = atomic_load_explicit(&b->spin_left_out, memory_order_relaxed);

	if (left_out)
		atomic_store_explicit(&b->spin_left_out, left_out - 1, memory_order_relaxed);
	return !left_out && b->spin_us;
}

static void spun_in_vain(struct sb_broker *b)
{
	unsigned next = 2 * atomic_load_explicit(&b->spin_in_vain, memory_order_relaxed);

	next = next < 1 ? 1 : next > LEFT_OUT_MOST ? LEFT_OUT_MOST : next;
	atomic_store_explicit(&b->spin_in_vain, next, memory_order_relaxed);
	atomic_store_explicit(&b->spin_left_out, next, memory_order_relaxed);
}

static grpc_event look(grpc_completion_queue *queue, void *tag, gpr_timespec deadline)
{
	return tag ? grpc_completion_queue_pluck(queue, tag, deadline, NULL) :
		     grpc_completion_queue_next(queue, deadline, NULL);
}

grpc_event rpc_await(struct sb_broker *b, grpc_completion_queue *queue, void *tag, bool crowded,
		     gpr_timespec deadline)
{
	const gpr_timespec past = gpr_time_0(GPR_CLOCK_MONOTONIC);
	gpr_timespec until;
	grpc_event e;

	if (crowded || !may_spin(b))
		return look(queue, tag, deadline);
	/* What is there already says nothing of the broker. */
	e = look(queue, tag, past);
	if (e.type != GRPC_QUEUE_TIMEOUT)
		return e;

	until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
			     gpr_time_from_micros(b->spin_us, GPR_TIMESPAN));
	do {
		e = look(queue, tag, past);
		if (e.type != GRPC_QUEUE_TIMEOUT) {
			atomic_store_explicit(&b->spin_in_vain, 0, memory_order_relaxed);
			return e;
		}
	} while (gpr_time_cmp(gpr_now(GPR_CLOCK_MONOTONIC), until) < 0);
	spun_in_vain(b);
	return look(queue, tag, deadline);
}
