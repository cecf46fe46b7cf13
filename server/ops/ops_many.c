/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops_many.c - sendmmsg, recvmmsg: many datagrams in one request, each way one
 * system call.
 */
#include "ops/ops.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "call/shard.h"
#include "ops/unix_path.h"

enum { MANY_MAX = 1024 };

static const uint32_t SEND_FLAGS = MSG_DONTROUTE | MSG_EOR | MSG_CONFIRM | MSG_MORE;
static const uint32_t RECV_FLAGS = MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE | MSG_OOB;

/* ---- send ------------------------------------------------------------------ */

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
		int r = addr_decode(req->addresses[i], &c->targets[i]);

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
	size_t total = 0;
	int r = 0;

	if (!req->n_control)
		return 0;
	if (req->n_control != st->n)
		return -EINVAL;
	for (size_t i = 0; i < st->n; i++)
		total += req->control[i]->n_messages;
	c->also = total ? arena_zalloc(&c->arena, total * sizeof(*c->also)) : NULL;
	if (total && !c->also)
		return -ENOMEM;
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
	if (c->sock->family == AF_NETLINK)
		return -EOPNOTSUPP; /* the kernel answers in our time: one at a time, by Send */
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
	int flags = (int)(REQUEST(c, SendMany)->flags & SEND_FLAGS) | MSG_DONTWAIT | MSG_NOSIGNAL;
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

/* ---- receive --------------------------------------------------------------- */

struct receiving_many {
	struct mmsghdr *messages;
	struct iovec *iovecs;
	struct sockaddr_storage *names;
	uint8_t *control;
	uint8_t *buffer;      /* room for all */
	size_t n, received;
};

int recv_many_intent(struct call *c)
{
	const Sockbroker__V1__RecvManyRequest *req = REQUEST(c, RecvMany);
	struct receiving_many *st = arena_zalloc(&c->arena, sizeof(*st));
	size_t total = 0;

	if (!st)
		return -ENOMEM;
	st->n = req->n_lengths;
	if (st->n < 1 || st->n > MANY_MAX)
		return -EINVAL;
	for (size_t i = 0; i < st->n; i++)
		total += req->lengths[i];
	if (total > SHARD_SCRATCH_BYTES)
		return -EINVAL;
	if (req->control_length > CONTROL_BYTES_MAX / st->n && req->control_length > 1024)
		return -ENOBUFS;
	if (req->flags & (MSG_DONTWAIT | MSG_ERRQUEUE))
		c->may_wait = false;
	c->state = st;
	return no_intent(c);
}

/* Not before there may be something: a call that waits holds no buffers. */
static int make_room(struct call *c)
{
	const Sockbroker__V1__RecvManyRequest *req = REQUEST(c, RecvMany);
	struct receiving_many *st = c->state;
	size_t total = 0;

	for (size_t i = 0; i < st->n; i++)
		total += req->lengths[i];
	st->messages = arena_zalloc(&c->arena, st->n * sizeof(*st->messages));
	st->iovecs = arena_alloc(&c->arena, st->n * sizeof(*st->iovecs));
	st->names = req->want_address ? arena_alloc(&c->arena, st->n * sizeof(*st->names)) : NULL;
	st->control = arena_alloc(&c->arena, st->n * req->control_length);
	st->buffer = arena_alloc(&c->arena, total);
	if (!st->messages || !st->iovecs || (req->want_address && !st->names) || 
	    !st->control || !st->buffer)
		return -ENOMEM;

	total = 0;
	for (size_t i = 0; i < st->n; i++) {
		struct msghdr *m = &st->messages[i].msg_hdr;

		st->iovecs[i] = (struct iovec){ .iov_base = st->buffer + total, .iov_len = req->lengths[i] };
		total += req->lengths[i];
		m->msg_iov = &st->iovecs[i];
		m->msg_iovlen = 1;
		m->msg_name = req->want_address ? &st->names[i] : NULL;
		m->msg_namelen = req->want_address ? sizeof(st->names[i]) : 0;
		m->msg_control = req->control_length ? st->control + i * req->control_length : NULL;
		m->msg_controllen = req->control_length;
	}
	return 0;
}

static int take_extras(struct call *c, Sockbroker__V1__RecvManyReply *rep, size_t i)
{
	const Sockbroker__V1__RecvManyRequest *req = REQUEST(c, RecvMany);
	struct receiving_many *st = c->state;
	struct msghdr *m = &st->messages[i].msg_hdr;
	Sockbroker__V1__ControlMessages *control;
	struct sock_addr from = { .len = m->msg_namelen };
	int r;

	if (req->want_address) {
		memcpy(&from.ss, &st->names[i], sizeof(from.ss));
		r = reply_address(c, &from, &rep->addresses[i]);
		if (r < 0)
			return r;
		rep->n_addresses = i + 1;
	}
	if (!req->control_length)
		return 0;
	control = arena_alloc(&c->arena, sizeof(*control));
	if (!control)
		return -ENOMEM;
	sockbroker__v1__control_messages__init(control);
	rep->control[i] = control;
	rep->n_control = i + 1;
	return control_encode(c, m, &control->n_messages, &control->messages);
}

/* The payloads close ranks, so that they go out as one sequence. */
static int recv_many_done(struct call *c)
{
	const Sockbroker__V1__RecvManyRequest *req = REQUEST(c, RecvMany);
	struct receiving_many *st = c->state;
	Sockbroker__V1__RecvManyReply *rep = REPLY(c, RecvMany);
	size_t n = st->received, total = 0;
	uint32_t *numbers = arena_alloc(&c->arena, 3 * n * sizeof(*numbers));

	rep->addresses = arena_alloc(&c->arena, n * sizeof(void *));
	rep->control = arena_alloc(&c->arena, n * sizeof(void *));
	if (!numbers || !rep->addresses || !rep->control)
		return -ENOMEM;
	rep->sizes = numbers;
	rep->lengths = numbers + n;
	rep->flags = numbers + 2 * n;
	for (size_t i = 0; i < n; i++) {
		size_t length = st->messages[i].msg_len;
		size_t size = length < req->lengths[i] ? length : req->lengths[i];
		int r = take_extras(c, rep, i);

		if (r < 0)
			return r;
		memmove(st->buffer + total, st->iovecs[i].iov_base, size);
		total += size;
		rep->sizes[i] = (uint32_t)size;
		rep->lengths[i] = (uint32_t)length;
		rep->flags[i] = (uint32_t)(st->messages[i].msg_hdr.msg_flags & ~MSG_CMSG_CLOEXEC);
		rep->n_lengths |= length != size ? n : 0;
		rep->n_flags |= rep->flags[i] ? n : 0;
	}
	rep->n_sizes = n;
	rep->data = (ProtobufCBinaryData){ .data = st->buffer, .len = total };
	c->sock->received_bytes += total;
	return 0;
}

/* As the kernel counts them when there is nothing to come: empty ones. */
static int receive_nothing(struct receiving_many *st)
{
	for (size_t i = st->received; i < st->n; i++) {
		st->messages[i].msg_len = 0;
		st->messages[i].msg_hdr.msg_namelen = 0;
		st->messages[i].msg_hdr.msg_controllen = 0;
	}
	return (int)(st->n - st->received);
}

int recv_many_attempt(struct call *c)
{
	const Sockbroker__V1__RecvManyRequest *req = REQUEST(c, RecvMany);
	struct receiving_many *st = c->state;
	int flags = (int)(req->flags & RECV_FLAGS) | MSG_DONTWAIT | recv_cloexec(c->sock), r;
	bool enough = (req->flags & MSG_WAITFORONE) || !c->may_wait;

	if (!st->messages) {
		r = make_room(c);
		if (r < 0)
			return r;
	}
	r = recvmmsg(c->sock->watch.fd, st->messages + st->received, (unsigned)(st->n - st->received),
		     flags, NULL);
	if (r < 0 && errno == EAGAIN && recv_is_shut(c))
		r = receive_nothing(st);
	if (r < 0 && !(st->received && (errno != EAGAIN || enough)))
		return -errno;
	if (r > 0) {
		st->received += (size_t)r;
		c->spurious = 0;
	}
	return st->received == st->n || enough || r < 0 ? recv_many_done(c) : -EAGAIN;
}

int recv_many_finish(struct call *c, int error)
{
	const struct receiving_many *st = c->state;

	return st && st->received ? recv_many_done(c) : error;
}

static struct returned *keep_one(const Sockbroker__V1__RecvManyReply *many, size_t i, size_t offset)
{
	Sockbroker__V1__RecvReply one = SOCKBROKER__V1__RECV_REPLY__INIT;
	struct returned *back;

	one.data = (ProtobufCBinaryData){ .data = many->data.data + offset, .len = many->sizes[i] };
	one.length = many->sizes[i];
	one.flags = many->n_flags ? many->flags[i] : 0;
	one.address = many->n_addresses ? many->addresses[i] : NULL;
	if (many->n_control) {
		one.control = many->control[i]->messages;
		one.n_control = many->control[i]->n_messages;
	}
	back = malloc(sizeof(*back) + protobuf_c_message_get_packed_size(&one.base));
	if (!back)
		return NULL;
	*back = (struct returned){ .size = protobuf_c_message_get_packed_size(&one.base) };
	protobuf_c_message_pack(&one.base, back->data);
	return back;
}

void recv_many_undo(struct call *c)
{
	const Sockbroker__V1__RecvManyReply *rep = REPLY(c, RecvMany);
	size_t offset = 0;

	if (c->error || (REQUEST(c, RecvMany)->flags & (MSG_PEEK | MSG_ERRQUEUE)))
		return;
	for (size_t i = 0; i < rep->n_sizes; i++) {
		struct returned *back = keep_one(rep, i, offset);

		offset += rep->sizes[i];
		if (back)
			list_append(&c->sock->returned, &back->link);
	}
	sock_retry(c->sock, EPOLLIN);
}
