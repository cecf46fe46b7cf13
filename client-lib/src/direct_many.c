/* SPDX-License-Identifier: Apache-2.0 */
/* direct_many.c - sendmmsg(2) and recvmmsg(2), on real sockets. */
#include "direct.h"

#include <poll.h>

#include "direct_wait.h"

/* Datagrams, of which some are done. */
struct rest {
	struct attempt attempt; /* first */
	struct mmsghdr *msgs;
	unsigned n;
	int flags;
};

static ssize_t count(struct rest *r, ssize_t n)
{
	if (n > 0)
		r->attempt.done += (size_t)n;
	if (n > 0 && r->attempt.done < r->n)
		return -EAGAIN;
	return n < 0 && (n == -EAGAIN || !r->attempt.done) ? n : (ssize_t)r->attempt.done;
}

static int go_on(struct rest *rest)
{
	const ssize_t r = attempt_go_on(&rest->attempt);

	return (int)(r < 0 && rest->attempt.done ? (ssize_t)rest->attempt.done : r);
}

static ssize_t send_once(struct attempt *a)
{
	struct rest *r = (struct rest *)a;
	struct mmsghdr *first = r->msgs + a->done;
	const unsigned n = r->n - (unsigned)a->done;

	return count(r, native(sendmmsg(a->sock->real, first, n, r->flags)));
}

static bool have_control(const struct mmsghdr *msgs, unsigned n)
{
	bool any = false;

	for (unsigned i = 0; i < n; i++)
		any = any || msgs[i].msg_hdr.msg_controllen;
	return any;
}

/* For descriptors, and for control messages that the kernel refuses this process. */
static int send_each(struct sb_sock *s, struct mmsghdr *msgs, unsigned n, int flags)
{
	for (unsigned i = 0; i < n; i++) {
		const ssize_t r = direct_send(s, &msgs[i].msg_hdr, flags);

		if (r < 0)
			return i ? (int)i : (int)r;
		msgs[i].msg_len = (unsigned)r;
	}
	return (int)n;
}

int direct_send_many(struct sb_sock *s, struct mmsghdr *msgs, unsigned n, int flags)
{
	struct rest rest = { .attempt = { .sock = s, .event = POLLOUT, .timeout_ns = -1,
					  .once = send_once },
			     .msgs = msgs, .n = n, .flags = direct_send_flags(s, flags) };
	ssize_t r;

	if (have_control(msgs, n) && direct_carries_rights(s))
		return send_each(s, msgs, n, flags);
	r = -EINTR;
	if (!must_see_to_waiting(s) || (flags & MSG_DONTWAIT))
		r = native(sendmmsg(s->real, msgs, n, rest.flags));
	rest.flags |= MSG_DONTWAIT;
	if (r == -EINTR)
		r = go_on(&rest);
	return direct_is_refused(r) && have_control(msgs, n) ? send_each(s, msgs, n, flags) : (int)r;
}

static ssize_t receive_once(struct attempt *a)
{
	struct rest *r = (struct rest *)a;
	struct mmsghdr *first = r->msgs + a->done;
	const unsigned n = r->n - (unsigned)a->done;
	const ssize_t got = native(recvmmsg(a->sock->real, first, n, r->flags | MSG_DONTWAIT, NULL));

	if (got > 0 && (r->flags & MSG_WAITFORONE))
		return (ssize_t)(a->done += (size_t)got);
	return count(r, got);
}

static void give_all(const struct sb_sock *s, struct mmsghdr *msgs, int n)
{
	for (int i = 0; i < n; i++) {
		direct_rights_give(s, &msgs[i].msg_hdr);
		msgs[i].msg_hdr.msg_flags &= ~MSG_CMSG_CLOEXEC;
	}
}

/* The kernel looks at its own timeout between datagrams only, and may wait for ever for the
 * last. We keep it. */
int direct_receive_many(struct sb_sock *s, struct mmsghdr *msgs, unsigned n, int flags,
			int64_t timeout_ns)
{
	const bool rights = have_control(msgs, n) && direct_carries_rights(s);
	struct rest rest = { .attempt = { .sock = s, .event = POLLIN, .timeout_ns = timeout_ns,
					  .once = receive_once },
			     .msgs = msgs, .n = n,
			     .flags = rights ? flags | MSG_CMSG_CLOEXEC : flags };
	ssize_t r = -EINTR;

	if ((flags & MSG_DONTWAIT) || (timeout_ns < 0 && !must_see_to_waiting(s)))
		r = native(recvmmsg(s->real, msgs, n, rest.flags, NULL));
	if (r == -EINTR)
		r = go_on(&rest);
	if (rights)
		give_all(s, msgs, (int)r);
	return (int)r;
}
