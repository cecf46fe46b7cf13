/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc_wait.c - a thread that waits for its reply on the session stream: in line, or
 * as the leader who reads it for all (rpc_stream.c).
 *
 * A program may have set a check (interrupt.h), which is to be called while a thread
 * waits, and which may call us: for that its thread leaves the line, and the
 * lead. If the check ends the call, the broker is asked to Cancel it, and its
 * reply waited for as before.
 */
#include "rpc_flight.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "deadline.h"

/* Until it is woken, @until (negative: for ever) has passed, or a signal has come. */
static void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t until)
{
	const struct timespec when = { .tv_sec = (time_t)(until / NS_PER_S),
				       .tv_nsec = (long)(until % NS_PER_S) };

	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, until < 0 ? NULL : &when, NULL,
		FUTEX_BITSET_MATCH_ANY);
}

/* @word may be gone already: a futex's waker looks at the address only. */
void flight_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static uint32_t state_of(const struct flight *f)
{
	return atomic_load_explicit(&f->state, memory_order_acquire);
}

void stream_pass_on(struct sb_broker *b)
{
	_Atomic uint32_t *next = NULL;

	pthread_mutex_lock(&b->lock);
	if (list_empty(&b->waiters)) {
		b->leading = false;
		helper_wake(b);
	} else {
		next = &container_of(b->waiters.next, struct flight, waiter)->state;
		atomic_store_explicit(next, FLIGHT_LEAD, memory_order_release);
	}
	pthread_mutex_unlock(&b->lock);
	if (next)
		flight_wake(next);
}

/* Lock held. The flight's thread waits from here on; returns whether it leads. */
static bool step_in(struct sb_broker *b, struct flight *f)
{
	bool leads = false;

	if (state_of(f) == FLIGHT_WAITING) {
		list_append(&b->waiters, &f->waiter);
		leads = !b->leading;
	}
	if (leads) {
		b->leading = true;
		atomic_store_explicit(&f->state, FLIGHT_LEAD, memory_order_relaxed);
	}
	return leads;
}

/* Its thread has other things to do, and is not to be made the leader. */
static void step_out(struct sb_broker *b, struct flight *f)
{
	bool led;

	pthread_mutex_lock(&b->lock);
	list_remove(&f->waiter);
	led = state_of(f) == FLIGHT_LEAD;
	if (led)
		atomic_store_explicit(&f->state, FLIGHT_WAITING, memory_order_relaxed);
	pthread_mutex_unlock(&b->lock);
	if (led)
		stream_pass_on(b);
}

/* Until it is answered (true), or the thread is no longer patient. */
static bool lead(struct sb_broker *b, struct flight *f, const struct patience *patience)
{
	const gpr_timespec until = rpc_time(patience_next(patience));

	while (state_of(f) != FLIGHT_ANSWERED) {
		if (patience_look(patience) != PATIENCE_HOLDS)
			return false;
		(void)stream_turn(b, until);
	}
	stream_pass_on(b);
	return true;
}

static bool await_answer(struct sb_broker *b, struct flight *f, bool leads,
			 const struct patience *patience)
{
	const int64_t until = patience_next(patience);

	while (!leads) {
		const uint32_t state = state_of(f);

		if (state == FLIGHT_ANSWERED)
			return true;
		leads = state == FLIGHT_LEAD;
		if (!leads && patience_look(patience) != PATIENCE_HOLDS)
			return false;
		if (!leads)
			futex_wait(&f->state, state, until);
	}
	return lead(b, f, patience);
}

/* The program may want it to end: then the broker is told, and its answer waited for, which
 * says what was done. Returns whether it is so. */
static bool ask_and_cancel(struct sb_broker *b, const struct flight *f, struct patience *patience)
{
	if (patience_look(patience) == PATIENCE_OVER) {
		/* Still waited for: end it all rather than leave it behind. */
		stream_end(b, -ETIMEDOUT);
		return false;
	}
	if (!patience_ask(patience) || stream_cancel(b, f->id) < 0)
		return false;
	patience_ask_no_more(patience);
	return true;
}

static void unpack(const struct flight *f, int *error, struct reply *out)
{
	*error = f->error;
	if (*error == 0)
		*error = rpc_reply_unpack(f->method, GRPC_SLICE_START_PTR(f->reply),
					  GRPC_SLICE_LENGTH(f->reply), out);
	grpc_slice_unref(f->reply);
}

int flight_await(struct sb_broker *b, struct flight *f, struct patience *patience,
		 struct reply *out)
{
	bool leads = step_in(b, f), cancelled = false;
	int r;

	pthread_mutex_unlock(&b->lock);
	while (!await_answer(b, f, leads, patience)) {
		step_out(b, f);
		cancelled = ask_and_cancel(b, f, patience) || cancelled;
		pthread_mutex_lock(&b->lock);
		leads = step_in(b, f);
		pthread_mutex_unlock(&b->lock);
	}
	unpack(f, &r, out);
	return r == -ECANCELED && cancelled ? -EINTR : r;
}

int stream_call(struct sb_broker *b, const struct rpc_method *method,
		const ProtobufCMessage *request, struct patience *patience, struct reply *out)
{
	struct flight f = { .async = NULL };
	int r;

	pthread_mutex_lock(&b->lock);
	r = flight_begin(b, &f, method, request, false);
	if (r < 0) {
		pthread_mutex_unlock(&b->lock);
		return r;
	}
	stream_flush(b);
	return flight_await(b, &f, patience, out);
}
