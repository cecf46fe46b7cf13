/* SPDX-License-Identifier: Apache-2.0 */
/*
 * direct_wait.h - calls on real sockets that wait otherwise than the kernel does: within
 * the limit of sb_set_timeout(), under the program's check, or on after a signal.
 */
#ifndef SB_DIRECT_WAIT_H
#define SB_DIRECT_WAIT_H

#include "interrupt.h"
#include "table.h"

/* Does a call that may wait need us, or is it the kernel's alone? */
static inline bool must_see_to_waiting(const struct sb_sock *s)
{
	return atomic_load_explicit(&s->timeout_ns, memory_order_relaxed) >= 0 || interrupt_may_come();
}

/* A call that is made again and again, each time without waiting. */
struct attempt {
	struct sb_sock *sock;
	short event;        /* POLLIN or POLLOUT: what it waits for */
	int64_t timeout_ns; /* of this call; negative: none but the socket's */
	size_t done;        /* moved so far */
	/* -EAGAIN: there is more to do. */
	ssize_t (*once)(struct attempt *);
};

/* Until it is done, or its time is up. Returns what once() did, -EAGAIN (the time is up, or
 * O_NONBLOCK is set), -EINTR (the program's check), -EBADF (the socket was closed meanwhile). */
ssize_t attempt_go_on(struct attempt *);

#endif
