/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops_send_many.c - sendmmsg: many datagrams in one request and one system call.
 */
#include "ops/ops.h"

#include <sys/socket.h>

#include "ops/unix_path.h"

static const uint32_t SEND_FLAGS = MSG_DONTROUTE | MSG_EOR | MSG_CONFIRM | MSG_MORE;

struct sending_many {
	struct mmsghdr *messages;
	struct iovec *iovecs;
	size_t n, sent;
};

/* Payload @i out of the one sequence of bytes. Returns -EINVAL if the sizes do not
 * add up to it. */
static int cut_payloads(struct call *c, struct sending_many *st)
{
	const Sockbroker__V1__SendManyRequest *req = REQUEST(c, SendMany);
	uint8_t *at = req->data.data;
	size_t left = req->data.len;

	for (size_t i = 0; i < st->n; i++) {
		if (req->sizes[i] > left)
			return -EINVAL;
		st->iovecs[i] = (struct iovec){ .iov_base = at, .iov_len = req->sizes[i] };
		st->messages[i].msg_hdr.msg_iov = &st->iovecs[i];
		st->messages[i].msg_hdr.msg_iovlen = 1;
		at += req->sizes[i];
		left -= req->sizes[i];
	}
	return left ? -EINVAL : 0;
}

static int decode_targets(struct call *c, struct sending_many *st)
{
	const Sockbroker__V1__SendManyRequest *req = REQUEST(c, SendMany);
	size_t n = req->n_addresses;

	if (!n)
		return 0;
	if (n != 1 && n != st->n)
		return -EINVAL;
	c->targets = arena_zalloc(&c->arena, n * sizeof(*c->targets));
	if (!c->targets)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r = request_address(c, req->addresses[i], &c->targets[i]);

		if (r < 0)
			return r;
		/* A path may lie on a file system that blocks: one at a time, by Send. */
		if (is_unix_path(&c->targets[i]))
			return -EOPNOTSUPP;
	}
	for (size_t i = 0; i < st->n; i++) {
		struct sock_addr *a = &c->targets[n == 1 ? 0 : i];

		if (req->addresses[n == 1 ? 0 : i]->kind_case == SOCKBROKER__V1__ADDRESS__KIND__NOT_SET)
			continue;
		st->messages[i].msg_hdr.msg_name = &a->ss;
		st->messages[i].msg_hdr.msg_namelen = a->len;
	}
	c->n_targets = n;
	return 0;
}

static int decode_controls(struct call *c, struct sending_many *st)
{
	const Sockbroker__V1__SendManyRequest *req = REQUEST(c, SendMany);
	int r = 0;

	if (!req->n_control)
		return 0;
	if (req->n_control != st->n)
		return -EINVAL;
	for (size_t i = 0; r == 0 && i < st->n; i++) {
		const Sockbroker__V1__ControlMessages *m = req->control[i];

		r = control_intents(c, m->messages, m->n_messages);
		if (r == 0)
			r = control_decode(c, m->messages, m->n_messages, &st->messages[i].msg_hdr);
	}
	return r;
}

int send_many_intent(struct call *c)
{
	const Sockbroker__V1__SendManyRequest *req = REQUEST(c, SendMany);
	struct sending_many *st = arena_zalloc(&c->arena, sizeof(*st));
	int r;

	if (!st)
		return -ENOMEM;
	st->n = req->n_sizes;
	if (st->n < 1 || st->n > MANY_MAX)
		return -EINVAL;
	if (send_is_slow(c->sock))
		return -EOPNOTSUPP; /* one at a time, by Send, which has a worker for it */
	st->messages = arena_zalloc(&c->arena, st->n * sizeof(*st->messages));
	st->iovecs = arena_alloc(&c->arena, st->n * sizeof(*st->iovecs));
	if (!st->messages || !st->iovecs)
		return -ENOMEM;
	c->state = st;
	if (req->flags & MSG_DONTWAIT)
		c->may_wait = false;
	c->intent.action = c->sock->type == SOCK_STREAM ? ACTION_CONNECT : ACTION_SEND;
	r = cut_payloads(c, st);
	if (r == 0)
		r = decode_controls(c, st);
	if (r == 0)
		r = decode_targets(c, st);
	if (r == 0 && !c->n_targets)
		c->intent.action = ACTION_NONE;
	return r;
}

static int send_many_done(struct call *c)
{
	struct sending_many *st = c->state;
	Sockbroker__V1__SendManyReply *rep = REPLY(c, SendMany);

	rep->sent = arena_alloc(&c->arena, st->sent * sizeof(*rep->sent));
	if (!rep->sent)
		return -ENOMEM;
	rep->n_sent = st->sent;
	rep->count = (uint32_t)st->sent;
	for (size_t i = 0; i < st->sent; i++) {
		rep->sent[i] = st->messages[i].msg_len;
		c->sock->sent_bytes += st->messages[i].msg_len;
	}
	return 0;
}

/* Those to whom policy lets it send: judging has cut n_targets short. */
static size_t allowed(const struct call *c, const struct sending_many *st)
{
	return REQUEST(c, SendMany)->n_addresses > 1 ? c->n_targets : st->n;
}

int send_many_attempt(struct call *c)
{
	struct sending_many *st = c->state;
	int flags = send_flags(c->sock, REQUEST(c, SendMany)->flags & SEND_FLAGS);
	size_t n = allowed(c, st);

	while (st->sent < n) {
		int r = sendmmsg(c->sock->watch.fd, st->messages + st->sent, (unsigned)(n - st->sent), flags);

		if (r < 0 && errno == EAGAIN && c->may_wait)
			return -EAGAIN;
		if (r < 0)
			return st->sent ? send_many_done(c) : -errno;
		st->sent += (size_t)r;
		c->spurious = 0;
	}
	return send_many_done(c);
}

int send_many_finish(struct call *c, int error)
{
	const struct sending_many *st = c->state;

	return st && st->sent ? send_many_done(c) : error;
}
