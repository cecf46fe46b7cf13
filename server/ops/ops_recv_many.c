/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops_recv_many.c - recvmmsg: many datagrams in one request and one system call.
 */
#include "ops/ops.h"

#include <string.h>
#include <sys/socket.h>

#include "call/shard.h"
#include "ops/returned.h"

static const uint32_t RECV_FLAGS = MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE | MSG_OOB;

struct receiving_many {
	struct mmsghdr *messages;
	struct iovec *iovecs;
	struct sockaddr_storage *names;
	uint8_t *control;
	uint8_t *buffer;      /* room for all */
	uint64_t *positions;  /* of each: see returned.h */
	Sockbroker__V1__RecvReply **given; /* of each that was given back */
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
	st->positions = arena_zalloc(&c->arena, st->n * sizeof(*st->positions));
	st->given = arena_zalloc(&c->arena, st->n * sizeof(*st->given));
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

static int take_address(struct call *c, size_t i, Sockbroker__V1__Address **ret)
{
	const struct receiving_many *st = c->state;
	struct sock_addr from = { .len = st->messages[i].msg_hdr.msg_namelen };

	if (st->given[i] && st->given[i]->address) {
		*ret = st->given[i]->address;
		return 0;
	}
	if (st->given[i])
		from.len = 0;
	memcpy(&from.ss, &st->names[i], from.len);
	return reply_address(c, &from, ret);
}

static int take_control(struct call *c, size_t i, Sockbroker__V1__ControlMessages **ret)
{
	struct receiving_many *st = c->state;
	Sockbroker__V1__ControlMessages *control = arena_alloc(&c->arena, sizeof(*control));

	if (!control)
		return -ENOMEM;
	sockbroker__v1__control_messages__init(control);
	*ret = control;
	if (!st->given[i])
		return control_encode(c, &st->messages[i].msg_hdr, &control->n_messages,
				      &control->messages);
	control->messages = st->given[i]->control;
	control->n_messages = st->given[i]->n_control;
	return 0;
}

static int take_extras(struct call *c, Sockbroker__V1__RecvManyReply *rep, size_t i)
{
	const Sockbroker__V1__RecvManyRequest *req = REQUEST(c, RecvMany);
	int r = 0;

	if (req->want_address) {
		r = take_address(c, i, &rep->addresses[i]);
		rep->n_addresses = i + 1;
	}
	if (r == 0 && req->control_length) {
		r = take_control(c, i, &rep->control[i]);
		rep->n_control = i + 1;
	}
	return r;
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
		if (size)
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

/* Of those that were given back, and of no others: as many as there are. */
static int answer_returned(struct call *c)
{
	const Sockbroker__V1__RecvManyRequest *req = REQUEST(c, RecvMany);
	struct receiving_many *st = c->state;

	while (st->received < st->n && !list_empty(&c->sock->returned)) {
		size_t i = st->received++;
		Sockbroker__V1__RecvReply *one = returned_take(c->sock, req->lengths[i], req->flags,
							       &c->arena.allocator, &st->positions[i]);

		if (!one)
			return -ENOMEM;
		st->given[i] = one;
		st->messages[i].msg_len = (unsigned)one->length;
		st->messages[i].msg_hdr.msg_flags = (int)one->flags;
		st->iovecs[i].iov_base = one->data.data;
		if (req->flags & MSG_PEEK)
			break;
	}
	return recv_many_done(c);
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
	if (!list_empty(&c->sock->returned) && !(req->flags & (MSG_OOB | MSG_ERRQUEUE)))
		return answer_returned(c);
	r = sock_receive_many(c->sock, st->messages + st->received, (unsigned)(st->n - st->received),
			      flags);
	if (r < 0 && errno == EAGAIN && recv_is_shut(c))
		r = receive_nothing(st);
	if (r < 0 && !(st->received && (errno != EAGAIN || enough)))
		return -errno;
	for (int i = 0; i < r; i++) {
		struct mmsghdr *m = &st->messages[st->received];

		st->positions[st->received++] = received_position(c->sock, m->msg_len);
		c->spurious = 0;
	}
	return st->received == st->n || enough || r < 0 ? recv_many_done(c) : -EAGAIN;
}

int recv_many_finish(struct call *c, int error)
{
	const struct receiving_many *st = c->state;

	return st && st->received ? recv_many_done(c) : error;
}

static Sockbroker__V1__RecvReply one_of(const Sockbroker__V1__RecvManyReply *many, size_t i,
					size_t offset)
{
	Sockbroker__V1__RecvReply one = SOCKBROKER__V1__RECV_REPLY__INIT;

	one.data = (ProtobufCBinaryData){ .data = many->data.data + offset, .len = many->sizes[i] };
	one.length = many->sizes[i];
	one.flags = many->n_flags ? many->flags[i] : 0;
	one.address = many->n_addresses ? many->addresses[i] : NULL;
	if (many->n_control) {
		one.control = many->control[i]->messages;
		one.n_control = many->control[i]->n_messages;
	}
	return one;
}

void recv_many_undo(struct call *c)
{
	const Sockbroker__V1__RecvManyReply *rep = REPLY(c, RecvMany);
	const struct receiving_many *st = c->state;
	size_t offset = 0;

	if (c->error || (REQUEST(c, RecvMany)->flags & (MSG_PEEK | MSG_ERRQUEUE | MSG_OOB)))
		return;
	for (size_t i = 0; i < rep->n_sizes; i++) {
		Sockbroker__V1__RecvReply one = one_of(rep, i, offset);

		offset += rep->sizes[i];
		returned_give(c->sock, &one, st->positions[i]);
	}
	sock_retry(c->sock, EPOLLIN);
}
