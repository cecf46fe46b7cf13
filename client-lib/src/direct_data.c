/* SPDX-License-Identifier: Apache-2.0 */
/*
 * direct_data.c - sendmsg(2) and recvmsg(2), on real sockets.
 *
 * The kernel is asked once, and that is all, unless the socket has a time limit of ours or the
 * program a check: then it is asked not to wait, and direct_wait.c does. So it is after a signal,
 * which is not to end a call, nor cut it short.
 */
#include "direct.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "data.h"
#include "direct_wait.h"
#include "interrupt.h"
#include "iov.h"

/* Only what may raise SIGPIPE is asked not to: some families (QRTR, RDS) refuse the flag. */
int direct_send_flags(struct sb_sock *s, int flags)
{
	const int type = sock_ask(s, SO_TYPE, &s->type);
	bool raises = type == SOCK_STREAM;

	if (type == SOCK_SEQPACKET) {
		const int family = sock_ask(s, SO_DOMAIN, &s->family);

		raises = family == AF_INET || family == AF_INET6; /* SCTP */
	}
	return raises ? flags | MSG_NOSIGNAL : flags;
}

/* A message of which a part is done. */
struct rest {
	struct attempt attempt; /* first */
	const struct msghdr *all;
	struct msghdr *received; /* the same, for a receive */
	size_t total;
	int flags;
};

/* What is left of the data after @offset; @iov has room for all its pieces. */
static void iov_rest(struct msghdr *msg, size_t offset, struct iovec *iov)
{
	size_t i = 0;

	memcpy(iov, msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
	while (i < msg->msg_iovlen && offset >= iov[i].iov_len)
		offset -= iov[i++].iov_len;
	msg->msg_iov = iov + i;
	msg->msg_iovlen -= i;
	if (offset) {
		iov[i].iov_base = (char *)iov[i].iov_base + offset;
		iov[i].iov_len -= offset;
	}
}

/* Counts what was moved. Returns what the call does, or -EAGAIN if it goes on. */
static ssize_t count(struct rest *r, ssize_t n)
{
	if (n > 0)
		r->attempt.done += (size_t)n;
	if (n > 0 && r->attempt.done < r->total)
		return -EAGAIN;
	return n < 0 && (n == -EAGAIN || !r->attempt.done) ? n : (ssize_t)r->attempt.done;
}

/* What was moved before the time was up is what the call returns. */
static ssize_t go_on(struct rest *rest)
{
	const ssize_t r = attempt_go_on(&rest->attempt);

	return r < 0 && rest->attempt.done ? (ssize_t)rest->attempt.done : r;
}

/* Of a stream, as much was to be moved as there is room for, but was not. */
static bool is_cut_short(struct sb_sock *s, const struct msghdr *msg, ssize_t n)
{
	if (msg->msg_iovlen == 1 && (size_t)n == msg->msg_iov[0].iov_len)
		return false;
	return data_is_stream(s) && n < iov_total(msg);
}

static ssize_t send_once(struct attempt *a)
{
	struct rest *r = (struct rest *)a;
	struct iovec iov[IOV_MAX];
	struct msghdr msg = *r->all;

	if (a->done) {
		/* Names and control messages went with the first part. */
		msg = (struct msghdr){ .msg_iov = msg.msg_iov, .msg_iovlen = msg.msg_iovlen };
		iov_rest(&msg, a->done, iov);
	}
	return count(r, native(sendmsg(a->sock->real, &msg, r->flags | MSG_DONTWAIT)));
}

/* @n: what the kernel said first. */
static ssize_t send_rest(struct sb_sock *s, const struct msghdr *msg, int flags, ssize_t n)
{
	const ssize_t total = iov_total(msg);
	struct rest rest = { .attempt = { .sock = s, .event = POLLOUT, .timeout_ns = -1,
					  .done = n > 0 ? (size_t)n : 0, .once = send_once },
			     .all = msg, .flags = n > 0 ? flags & ~MSG_FASTOPEN : flags };

	if (total < 0)
		return n;
	rest.total = data_is_stream(s) ? (size_t)total : 0;
	return go_on(&rest);
}

/* One piece of memory goes by sendto(2), where the kernel has less to copy and to check. */
static ssize_t send_native(struct sb_sock *s, const struct msghdr *msg, int flags)
{
	if (msg->msg_iovlen != 1 || msg->msg_controllen)
		return native(sendmsg(s->real, msg, flags));
	return native(sendto(s->real, msg->msg_iov->iov_base, msg->msg_iov->iov_len, flags,
			     msg->msg_name, msg->msg_namelen));
}

static ssize_t send_plain(struct sb_sock *s, const struct msghdr *msg, int flags)
{
	const bool ours = must_see_to_waiting(s);
	const int wanted = direct_send_flags(s, flags);
	const ssize_t n = send_native(s, msg, ours ? wanted | MSG_DONTWAIT : wanted);

	if (flags & MSG_DONTWAIT)
		return n;
	if (n == -EINTR || (n == -EAGAIN && ours) || (n >= 0 && is_cut_short(s, msg, n)))
		return send_rest(s, msg, wanted, n);
	return n;
}

/* A control message that is not for everybody, SO_MARK for one: as options, by the broker. */
static ssize_t send_by_broker(struct sb_sock *s, const struct msghdr *msg, int flags)
{
	const bool waits = !(fcntl(s->real, F_GETFL) & O_NONBLOCK);

	return data_send(s, msg, waits ? flags : flags | MSG_DONTWAIT);
}

static ssize_t send_rights(struct sb_sock *s, const struct msghdr *msg, int flags)
{
	struct outgoing_rights rights;
	ssize_t r = direct_rights_take(msg, &rights);

	if (r == 0)
		r = send_plain(s, &rights.msg, flags);
	direct_rights_end(&rights);
	return r;
}

ssize_t direct_send(struct sb_sock *s, const struct msghdr *msg, int flags)
{
	ssize_t r;

	if (msg->msg_controllen && direct_carries_rights(s))
		return send_rights(s, msg, flags);
	r = send_plain(s, msg, flags);
	return msg->msg_controllen && direct_is_refused(r) ? send_by_broker(s, msg, flags) : r;
}

static ssize_t receive_once(struct attempt *a)
{
	struct rest *r = (struct rest *)a;
	struct iovec iov[IOV_MAX];
	struct msghdr part, *msg = r->received;

	if (a->done) {
		part = (struct msghdr){ .msg_iov = msg->msg_iov, .msg_iovlen = msg->msg_iovlen };
		iov_rest(&part, a->done, iov);
		msg = &part;
	}
	return count(r, native(recvmsg(a->sock->real, msg, r->flags | MSG_DONTWAIT)));
}

/* Does MSG_WAITALL mean something? */
static bool waits_for_all(struct sb_sock *s, int flags)
{
	return (flags & (MSG_WAITALL | MSG_PEEK | MSG_TRUNC)) == MSG_WAITALL && data_is_stream(s);
}

static ssize_t receive_rest(struct sb_sock *s, struct msghdr *msg, int flags, ssize_t n)
{
	const ssize_t total = iov_total(msg);
	struct rest rest = { .attempt = { .sock = s, .event = POLLIN, .timeout_ns = -1,
					  .done = n > 0 ? (size_t)n : 0, .once = receive_once },
			     .all = msg, .received = msg, .flags = flags };

	if (total < 0)
		return n;
	rest.total = waits_for_all(s, flags) ? (size_t)total : 0;
	return go_on(&rest);
}

typedef ssize_t (*receive_fn)(struct sb_sock *, struct msghdr *, int flags);

static ssize_t receive_message(struct sb_sock *s, struct msghdr *msg, int flags)
{
	return native(recvmsg(s->real, msg, flags));
}

static ssize_t receive_piece(struct sb_sock *s, struct msghdr *msg, int flags)
{
	return native(recvfrom(s->real, msg->msg_iov->iov_base, msg->msg_iov->iov_len, flags,
			       msg->msg_name, msg->msg_name ? &msg->msg_namelen : NULL));
}

static ssize_t receive_plain(struct sb_sock *s, struct msghdr *msg, int flags, receive_fn receive)
{
	const bool ours = must_see_to_waiting(s);
	const ssize_t n = receive(s, msg, flags | (ours ? MSG_DONTWAIT : 0));

	if (flags & MSG_DONTWAIT)
		return n;
	if (n == -EINTR || (n == -EAGAIN && ours))
		return receive_rest(s, msg, flags, n);
	if (n > 0 && (flags & MSG_WAITALL) && waits_for_all(s, flags) && is_cut_short(s, msg, n))
		return receive_rest(s, msg, flags, n);
	return n;
}

ssize_t direct_receive(struct sb_sock *s, struct msghdr *msg, int flags)
{
	ssize_t n;

	if (!msg->msg_control || !direct_carries_rights(s))
		return receive_plain(s, msg, flags, receive_message);
	n = receive_plain(s, msg, flags | MSG_CMSG_CLOEXEC, receive_message);
	if (n >= 0)
		direct_rights_give(s, msg);
	/* The kernel tells it back. */
	msg->msg_flags &= ~MSG_CMSG_CLOEXEC | flags;
	return n;
}

ssize_t direct_receive_piece(struct sb_sock *s, struct msghdr *msg, int flags)
{
	return receive_plain(s, msg, flags, receive_piece);
}
