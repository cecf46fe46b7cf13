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

int lane_enter(struct lane *lane, int64_t wait_ns)
{
	const int64_t deadline = deadline_of(wait_ns);
	const struct timespec until = { .tv_sec = (time_t)(deadline / NS_PER_S),
					.tv_nsec = (long)(deadline % NS_PER_S) };
	int r;

	if (deadline < 0)
		r = pthread_mutex_lock(&lane->lock);
	else if (deadline == 0)
		r = pthread_mutex_trylock(&lane->lock);
	else
		r = pthread_mutex_clocklock(&lane->lock, CLOCK_MONOTONIC, &until);
	return r ? -EAGAIN : 0;
}

void lane_leave(struct lane *lane)
{
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
	ssize_t r = lane_enter(lane, wait_ns);

	if (r < 0)
		return r;
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
