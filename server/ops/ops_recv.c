/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops_recv.c - recv, recvfrom, recvmsg.
 *
 * The kernel writes into the shard's scratch, and what came is copied to the
 * call: so a call that waits holds no buffer, however much it asked for. The bulk
 * path brings a buffer of its own (call->sink).
 *
 * What was given back by a caller who has gone (returned.h) comes first.
 */
#include "ops/ops.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "call/shard.h"
#include "ops/returned.h"

/* Descriptors come by unix sockets; a packet socket refuses the flag. */
int recv_cloexec(const struct sock *s)
{
	return s->family == AF_UNIX ? MSG_CMSG_CLOEXEC : 0;
}

/* A datagram socket that was shut down wakes who waits, and tells a blocking
 * call that there is nothing, but one that may not wait EAGAIN as ever. */
bool recv_is_shut(const struct call *c)
{
	struct pollfd p = { .fd = c->sock->watch.fd, .events = POLLRDHUP };

	return c->n_waiters && c->sock->type != SOCK_STREAM && poll(&p, 1, 0) == 1 &&
	       (p.revents & POLLRDHUP);
}

static const uint32_t RECV_FLAGS = MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE;

struct receiving {
	size_t want;
	uint8_t *control;     /* room for ancillary data, or NULL */
	uint8_t *gathered;    /* MSG_WAITALL: what came so far */
	size_t n_gathered;
	uint64_t position;    /* of what came: see returned.h */
};

int recv_intent(struct call *c)
{
	const Sockbroker__V1__RecvRequest *req = REQUEST(c, Recv);
	struct receiving *st = arena_zalloc(&c->arena, sizeof(*st));
	size_t most = c->sink.iov_base ? c->sink.iov_len : SHARD_SCRATCH_BYTES;

	if (!st || req->control_length > CONTROL_BYTES_MAX)
		return st ? -ENOBUFS : -ENOMEM;
	st->want = req->length < most ? req->length : most;
	if (req->control_length) {
		st->control = arena_alloc(&c->arena, req->control_length);
		if (!st->control)
			return -ENOMEM;
	}
	/* The kernel waits for neither. */
	if (req->flags & (MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB))
		c->may_wait = false;
	c->state = st;
	return no_intent(c);
}

/* ---- what was given back --------------------------------------------------- */

static bool ordinary(const Sockbroker__V1__RecvRequest *req)
{
	return !(req->flags & (MSG_OOB | MSG_ERRQUEUE));
}

static int answer_returned(struct call *c)
{
	const Sockbroker__V1__RecvRequest *req = REQUEST(c, Recv);
	struct receiving *st = c->state;
	Sockbroker__V1__RecvReply *rep = returned_take(c->sock, st->want, req->flags,
						       &c->arena.allocator, &st->position);

	if (!rep)
		return -ENOMEM;
	if (c->sink.iov_base && rep->data.len)
		memcpy(c->sink.iov_base, rep->data.data, rep->data.len);
	c->reply = &rep->base;
	return 0;
}

void recv_undo(struct call *c)
{
	const Sockbroker__V1__RecvReply *rep = REPLY(c, Recv);
	const struct receiving *st = c->state;

	if (c->error || (REQUEST(c, Recv)->flags & MSG_PEEK) || !ordinary(REQUEST(c, Recv)))
		return;
	if (c->sock->type == SOCK_STREAM && !rep->data.len)
		return; /* the end of the stream is found again */
	returned_give(c->sock, rep, st->position);
	sock_retry(c->sock, EPOLLIN);
}

/* ---- what the kernel has ----------------------------------------------------- */

/* A stream told to throw bytes away says how many and writes none: then nothing of
 * what the scratch held before, perhaps for another client, may leave it. */
static bool writes_nothing(const struct call *c)
{
	return c->sock->type == SOCK_STREAM && (REQUEST(c, Recv)->flags & MSG_TRUNC);
}

static int take_data(struct call *c, const uint8_t *from, size_t n)
{
	Sockbroker__V1__RecvReply *rep = REPLY(c, Recv);

	rep->data.len = n;
	c->sock->received_bytes += n;
	if (c->sink.iov_base || !n)
		return 0;
	rep->data.data = arena_alloc(&c->arena, n);
	if (!rep->data.data)
		return -ENOMEM;
	memcpy(rep->data.data, from, n);
	return 0;
}

static int take_message(struct call *c, struct msghdr *msg, size_t n)
{
	struct receiving *st = c->state;
	Sockbroker__V1__RecvReply *rep = REPLY(c, Recv);
	struct sock_addr from = { .len = msg->msg_namelen };
	int r = take_data(c, msg->msg_iov->iov_base,
			  writes_nothing(c) ? 0 : n < st->want ? n : st->want);

	if (r == 0)
		r = control_encode(c, msg, &rep->n_control, &rep->control);
	if (r == 0 && msg->msg_name && msg->msg_namelen) {
		memcpy(&from.ss, msg->msg_name, sizeof(from.ss));
		r = reply_address(c, &from, &rep->address);
	}
	if (!(REQUEST(c, Recv)->flags & (MSG_PEEK | MSG_ERRQUEUE | MSG_OOB)))
		st->position = received_position(c->sock, n);
	rep->length = n;
	rep->flags = (uint32_t)(msg->msg_flags & ~MSG_CMSG_CLOEXEC);
	return r;
}

static int gathered(struct call *c)
{
	struct receiving *st = c->state;
	Sockbroker__V1__RecvReply *rep = REPLY(c, Recv);

	rep->data = (ProtobufCBinaryData){ .data = st->gathered, .len = st->n_gathered };
	rep->length = st->n_gathered;
	c->sock->received_bytes += st->n_gathered;
	return 0;
}

static bool wants_all(const struct call *c)
{
	const Sockbroker__V1__RecvRequest *req = REQUEST(c, Recv);

	return (req->flags & MSG_WAITALL) && c->may_wait && c->sock->type == SOCK_STREAM &&
	       !(req->flags & (MSG_PEEK | MSG_TRUNC)) && !req->control_length;
}

static int recv_all(struct call *c)
{
	struct receiving *st = c->state;

	if (!st->gathered)
		st->gathered = c->sink.iov_base ? c->sink.iov_base : arena_alloc(&c->arena, st->want);
	if (!st->gathered)
		return -ENOMEM;
	while (st->n_gathered < st->want) {
		struct iovec iov = { .iov_base = st->gathered + st->n_gathered,
				     .iov_len = st->want - st->n_gathered };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t n = sock_receive(c->sock, &msg, MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN && st->n_gathered)
			break; /* the error is told by the next */
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		if (!st->n_gathered)
			st->position = c->sock->position;
		st->n_gathered += (size_t)n;
		(void)received_position(c->sock, (size_t)n);
		c->spurious = 0;
	}
	return gathered(c);
}

/* To peek until all is there, one must look again and again: the socket stays
 * ready. At the end of the stream there will be no more. */
static bool peeks_too_early(struct call *c, size_t n)
{
	const Sockbroker__V1__RecvRequest *req = REQUEST(c, Recv);
	const struct receiving *st = c->state;
	struct pollfd p = { .fd = c->sock->watch.fd, .events = POLLRDHUP };

	if (!(req->flags & MSG_PEEK) || !(req->flags & MSG_WAITALL) || !c->may_wait ||
	    c->sock->type != SOCK_STREAM || n == 0 || n >= st->want)
		return false;
	if (poll(&p, 1, 0) != 0)
		return false;
	if (!c->retry_ns)
		c->retry_ns = RETRY_NS;
	return true;
}

static int take_held_error(struct sock *s)
{
	const int r = s->held_error;

	s->held_error = 0;
	return r;
}

int recv_attempt(struct call *c)
{
	const Sockbroker__V1__RecvRequest *req = REQUEST(c, Recv);
	struct receiving *st = c->state;
	struct sockaddr_storage name;
	struct iovec iov = { .iov_base = c->sink.iov_base, .iov_len = st->want };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = st->control,
			      .msg_controllen = req->control_length };
	int flags = (int)(req->flags & RECV_FLAGS) | MSG_DONTWAIT | recv_cloexec(c->sock);
	ssize_t n;

	if (!list_empty(&c->sock->returned) && ordinary(req))
		return answer_returned(c);
	if (c->sock->held_error && ordinary(req))
		return take_held_error(c->sock);
	if (wants_all(c))
		return recv_all(c);
	if (!iov.iov_base)
		iov.iov_base = c->session->shard->scratch;
	if (req->want_address) {
		msg.msg_name = &name;
		msg.msg_namelen = sizeof(name);
	}
	n = sock_receive(c->sock, &msg, flags);
	if (n < 0 && errno == EAGAIN)
		return recv_is_shut(c) ? 0 : -EAGAIN;
	if (n < 0)
		return -errno;
	return peeks_too_early(c, (size_t)n) ? -EAGAIN : take_message(c, &msg, (size_t)n);
}

int recv_finish(struct call *c, int error)
{
	const struct receiving *st = c->state;

	if (st && st->n_gathered)
		return gathered(c);
	if (c->error || !st || !(REQUEST(c, Recv)->flags & MSG_PEEK) || error != -EAGAIN)
		return error;
	c->may_wait = false; /* a peek is content with what there is */
	return recv_attempt(c);
}
