/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.c - which sends and receives go by Transfer, and in which order.
 *
 * A large send does at once. A receive does when it waits for a large amount,
 * or when the one before it brought much: many programs always offer a large
 * buffer, and most of them receive little.
 *
 * Calls are synchronous, so one thread's are in order whichever way they go.
 * Between threads the lane's lock keeps it: once a socket has had a transfer, the
 * others in that direction wait for it as they would for the socket's lock in the
 * kernel (and do not wait if they may not).
 */
#include "transfer.h"

#include <errno.h>

#include "data.h"
#include "deadline.h"
#include "interrupt.h"

enum { LARGE_BYTES = 64 << 10, MUCH_BYTES = 32 << 10 };

bool transfer_fits_send(struct sb_sock *s, const Sockbroker__V1__SendRequest *request, size_t total)
{
	if (total < LARGE_BYTES || request->address || request->n_control ||
	    (request->flags & ~(uint32_t)MSG_MORE))
		return false;
	return rpc_may_transfer(s->broker) && data_is_stream(s);
}

bool transfer_fits_receive(struct sb_sock *s, const struct msghdr *msg, uint32_t flags, size_t total)
{
	if (total < LARGE_BYTES || msg->msg_name || (msg->msg_control && msg->msg_controllen) ||
	    (flags & ~(uint32_t)MSG_WAITALL))
		return false;
	if (!(flags & MSG_WAITALL) && !atomic_load_explicit(&s->receiving.bulk, memory_order_relaxed))
		return false;
	return rpc_may_transfer(s->broker) && data_is_stream(s);
}

void transfer_note(struct sb_sock *s, ssize_t received)
{
	if (received >= MUCH_BYTES)
		atomic_store_explicit(&s->receiving.bulk, true, memory_order_relaxed);
}

/* Stands for its thread. */
static _Thread_local char self;

static int lock_until(pthread_mutex_t *lock, int64_t until)
{
	const struct timespec when = { .tv_sec = (time_t)(until / NS_PER_S),
				       .tv_nsec = (long)(until % NS_PER_S) };

	return until < 0 ? pthread_mutex_lock(lock) :
	       pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &when);
}

static int lane_lock(struct lane *lane, int64_t wait_ns)
{
	struct patience patience;

	if (pthread_mutex_trylock(&lane->lock) == 0)
		return 0;
	if (wait_ns == 0)
		return -EAGAIN;
	patience_begin(&patience, deadline_of(wait_ns));
	while (lock_until(&lane->lock, patience_next(&patience)) != 0) {
		if (patience_look(&patience) == PATIENCE_OVER)
			return -EAGAIN;
		if (patience_look(&patience) == PATIENCE_TO_ASK && patience_ask(&patience))
			return -EINTR;
	}
	return 0;
}

int lane_enter(struct lane *lane, int64_t wait_ns, bool *ret_entered)
{
	int r = 0;

	/* Called by the program's check, while this very thread waits in there: as a signal's
	 * handler, it is not to wait for itself, and may go between. */
	*ret_entered = atomic_load_explicit(&lane->holder, memory_order_relaxed) != &self;
	if (*ret_entered)
		r = lane_lock(lane, wait_ns);
	if (r < 0)
		*ret_entered = false;
	if (*ret_entered)
		atomic_store_explicit(&lane->holder, &self, memory_order_relaxed);
	return r;
}

void lane_leave(struct lane *lane)
{
	atomic_store_explicit(&lane->holder, NULL, memory_order_relaxed);
	pthread_mutex_unlock(&lane->lock);
}

/* A stream that broke is not used again; the next call opens another. */
static ssize_t finish(struct lane *lane, ssize_t r)
{
	if (lane->transfer && !rpc_transfer_is_well(lane->transfer)) {
		rpc_transfer_close(lane->transfer);
		lane->transfer = NULL;
	}
	lane_leave(lane);
	return r;
}

static ssize_t begin(struct sb_sock *s, struct lane *lane, int64_t wait_ns)
{
	bool entered;
	ssize_t r = lane_enter(lane, wait_ns, &entered);

	if (r < 0 || !entered)
		return r < 0 ? r : -ENOSYS;
	atomic_store(&lane->bulk, true);
	if (!lane->transfer)
		r = rpc_transfer_open(s->broker, s->handle, &lane->transfer);
	if (r < 0)
		lane_leave(lane);
	return r;
}

ssize_t transfer_send(struct sb_sock *s, const struct msghdr *msg, size_t total, uint32_t flags,
		      int64_t wait_ns)
{
	ssize_t r = begin(s, &s->sending, wait_ns);

	if (r < 0)
		return r;
	r = rpc_transfer_send(s->sending.transfer, msg, total, flags, wait_ns);
	return finish(&s->sending, r);
}

ssize_t transfer_receive(struct sb_sock *s, struct msghdr *msg, size_t total, uint32_t flags,
			 int64_t wait_ns)
{
	ssize_t r = begin(s, &s->receiving, wait_ns);

	if (r < 0)
		return r;
	r = rpc_transfer_receive(s->receiving.transfer, msg, total, flags, wait_ns);
	if (r >= 0)
		msg->msg_flags = 0;
	return finish(&s->receiving, r);
}
