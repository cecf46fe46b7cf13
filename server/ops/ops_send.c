/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops_send.c - send, sendto, sendmsg.
 *
 * A blocking send in the kernel returns only when everything is queued; so
 * does ours: what an attempt has moved is kept, and the next one goes on from
 * there.
 */
#include "ops/ops.h"

#include <linux/can.h>
#include <linux/can/isotp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "ops/unix_path.h"

/* What passes of a client's flags; as in the kernel, others mean nothing. */
static const uint32_t SEND_FLAGS = MSG_OOB | MSG_DONTROUTE | MSG_EOR | MSG_CONFIRM | MSG_MORE |
				   MSG_FASTOPEN;

struct sending {
	struct msghdr msg;
	struct iovec one;
	size_t sent;
};

/* A connected netlink socket sends to its peer, another to the kernel. */
static int netlink_peer(struct call *c)
{
	struct sock_addr *a = &c->intent.addr;

	a->len = sizeof(a->ss);
	return sys_result(getpeername(c->sock->watch.fd, (struct sockaddr *)&a->ss, &a->len));
}

/* On a stream an address means something only to open a connection with. */
static int send_action(struct call *c)
{
	const Sockbroker__V1__SendRequest *req = REQUEST(c, Send);
	struct sending *st = c->state;
	int r;

	c->intent.action = ACTION_NONE;
	if (!req->address && c->sock->family == AF_NETLINK) {
		c->intent.action = ACTION_SEND;
		return netlink_peer(c);
	}
	if (!req->address)
		return 0;
	r = request_address(c, req->address, &c->intent.addr);
	if (r < 0)
		return r;
	c->intent.action = c->sock->type == SOCK_STREAM ? ACTION_CONNECT : ACTION_SEND;
	st->msg.msg_name = &c->intent.addr.ss;
	st->msg.msg_namelen = c->intent.addr.len;
	return 0;
}

int send_intent(struct call *c)
{
	const Sockbroker__V1__SendRequest *req = REQUEST(c, Send);
	struct sending *st = arena_zalloc(&c->arena, sizeof(*st));
	int r;

	if (!st)
		return -ENOMEM;
	c->state = st;
	st->one = (struct iovec){ .iov_base = req->data.data, .iov_len = req->data.len };
	st->msg.msg_iov = c->payload ? c->payload : &st->one;
	st->msg.msg_iovlen = c->payload ? c->n_payload : 1;
	if (req->flags & MSG_DONTWAIT)
		c->may_wait = false;
	r = send_action(c);
	if (r == 0)
		r = control_intents(c, req->control, req->n_control);
	if (r == 0)
		r = control_decode(c, req->control, req->n_control, &st->msg);
	return r;
}

/* Forget the first @n bytes. */
static void advance(struct msghdr *m, size_t n)
{
	while (m->msg_iovlen && n >= m->msg_iov->iov_len) {
		n -= m->msg_iov->iov_len;
		m->msg_iov++;
		m->msg_iovlen--;
	}
	if (!n)
		return;
	m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + n;
	m->msg_iov->iov_len -= n;
}

static int send_done(struct call *c)
{
	struct sending *st = c->state;

	REPLY(c, Send)->sent = st->sent;
	c->sock->sent_bytes += st->sent;
	return 0;
}

int send_flags(const struct sock *s, uint32_t asked)
{
	bool strict = s->family == AF_RDS || s->family == AF_QIPCRTR;

	return (int)asked | MSG_DONTWAIT | (strict ? 0 : MSG_NOSIGNAL);
}

static int send_more(struct call *c)
{
	struct sending *st = c->state;
	int flags = send_flags(c->sock, REQUEST(c, Send)->flags & SEND_FLAGS);

	do {
		ssize_t n = sendmsg(c->sock->watch.fd, &st->msg, flags);

		if (n < 0)
			return -errno;
		st->sent += (size_t)n;
		c->spurious = 0;
		st->msg.msg_control = NULL; /* goes with the first byte */
		st->msg.msg_controllen = 0;
		if (c->sock->type != SOCK_STREAM || !c->may_wait)
			return 0;
		advance(&st->msg, (size_t)n);
	} while (st->msg.msg_iovlen);
	return 0;
}

/* By these MSG_DONTWAIT is not heard: netlink answers in our time, and waits for locks
 * of the kernel's; an ISO-TP socket may have been told to wait until all has left. */
bool send_is_slow(const struct sock *s)
{
	struct can_isotp_options options = { 0 };
	socklen_t len = sizeof(options);

	if (s->family != AF_CAN || s->protocol != CAN_ISOTP)
		return s->family == AF_NETLINK;
	return getsockopt(s->watch.fd, SOL_CAN_BASE + CAN_ISOTP, CAN_ISOTP_OPTS, &options, &len) < 0 ||
	       (options.flags & CAN_ISOTP_WAIT_TX_DONE);
}

int send_attempt(struct call *c)
{
	struct sending *st = c->state;
	int r;

	if (st->msg.msg_name && is_unix_path(&c->intent.addr))
		return CALL_OFFLOAD;
	if (send_is_slow(c->sock))
		return CALL_OFFLOAD;
	r = send_more(c);
	/* Whether the unix socket addressed has room, epoll does not tell. */
	if (r == -EAGAIN && st->msg.msg_name && c->sock->family == AF_UNIX && !c->retry_ns)
		c->retry_ns = RETRY_NS;
	if (r == -EAGAIN && (c->may_wait || !st->sent))
		return r;
	return r < 0 && !st->sent ? r : send_done(c);
}

int send_work(struct call *c)
{
	struct sending *st = c->state;
	_cleanup_close_ int pin = -1;
	struct sock_addr pinned;
	int r;

	if (c->sock->family == AF_UNIX) {
		pin = unix_path_pin(&c->intent.addr, &pinned);
		if (pin < 0)
			return pin;
		st->msg.msg_name = &pinned.ss;
		st->msg.msg_namelen = pinned.len;
	}
	r = send_more(c);
	if (c->sock->family == AF_UNIX) {
		st->msg.msg_name = &c->intent.addr.ss;
		if (r == -EAGAIN && !c->retry_ns)
			c->retry_ns = RETRY_NS;
	}
	return r < 0 ? r : send_done(c);
}

int send_finish(struct call *c, int error)
{
	struct sending *st = c->state;

	return st && st->sent ? send_done(c) : error;
}
