/* SPDX-License-Identifier: Apache-2.0 */
#include "direct_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/time.h>

#include "deadline.h"
#include "direct.h"

/* SO_RCVTIMEO, SO_SNDTIMEO; negative: not set. */
static int64_t option_ns(const struct attempt *a)
{
	const int name = a->event == POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO;
	struct timeval limit = { 0 };
	socklen_t len = sizeof(limit);

	(void)getsockopt(a->sock->real, SOL_SOCKET, name, &limit, &len);
	if (!limit.tv_sec && !limit.tv_usec)
		return -1;
	if (limit.tv_sec >= INT64_MAX / NS_PER_S)
		return -1;
	return (int64_t)limit.tv_sec * NS_PER_S + limit.tv_usec * 1000;
}

static int64_t shorter(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* The kernel's own limits hold too: nobody waits there, so it is for us to keep them. */
static int64_t limit_ns(const struct attempt *a)
{
	const int64_t wait_ns = shorter(a->sock->timeout_ns, a->timeout_ns);
	const int flags = fcntl(a->sock->real, F_GETFL);

	if (wait_ns == 0 || flags < 0 || (flags & O_NONBLOCK))
		return 0;
	return shorter(wait_ns, option_ns(a));
}

/*
 * The kernel may say that a socket is ready when the call finds it is not (a peer's queue that is full, a
 * datagram with a wrong checksum, MSG_PEEK for more than there is). When that happens again and again we
 * look less often, as the broker does. Returns how long to leave it alone.
 */
static int64_t pause_ns(unsigned in_vain)
{
	enum { PATIENT = 3, DOUBLINGS = 6 };

	if (in_vain < PATIENT)
		return 0;
	in_vain -= PATIENT;
	return (int64_t)NS_PER_MS << (in_vain < DOUBLINGS ? in_vain : DOUBLINGS);
}

/* Returns 0: look again; or -EAGAIN, -EINTR, -errno. */
static int wait_once(const struct attempt *a, struct patience *patience, unsigned in_vain)
{
	struct pollfd p = { .fd = a->sock->real, .events = a->event };
	struct patience brief = *patience;
	const int64_t pause = pause_ns(in_vain);
	int r;

	if (pause) {
		p.fd = -1;
		brief.give_up_ns = now_ns() + pause;
		if (patience->give_up_ns >= 0 && patience->give_up_ns < brief.give_up_ns)
			brief.give_up_ns = patience->give_up_ns;
	}
	r = patience_poll(&brief, &p, 1);
	patience->ask_ns = brief.ask_ns;
	if (r == 0 && patience_look(patience) == PATIENCE_OVER)
		return -EAGAIN;
	return r < 0 ? r : 0;
}

ssize_t attempt_go_on(struct attempt *a)
{
	const int64_t wait_ns = limit_ns(a);
	struct patience patience;
	unsigned in_vain = 0;
	size_t before;
	ssize_t r;

	patience_begin(&patience, deadline_of(wait_ns));
	for (;;) {
		before = a->done;
		r = a->once(a);
		if (r != -EAGAIN || wait_ns == 0)
			return r;
		in_vain = a->done > before ? 0 : in_vain + 1;
		r = wait_once(a, &patience, in_vain);
		if (r < 0)
			return r;
		/* The number may be another file's by now. */
		if (!table_holds(a->sock))
			return -EBADF;
	}
}
