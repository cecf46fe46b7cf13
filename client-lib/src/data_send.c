/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data_send.c - what is larger than one request may be goes in several, on
 * stream sockets; the call is still one: it ends when all is queued, when its
 * time is up, or at the first error, with what was queued by then.
 */
#include "data.h"

#include <errno.h>
#include <stdlib.h>

#include "api.h"
#include "deadline.h"
#include "direct.h"
#include "interrupt.h"
#include "iov.h"
#include "rights.h"
#include "transfer.h"
#include "watch.h"

typedef Sockbroker__V1__SendRequest Request;

int sock_ask(struct sb_sock *s, int name, atomic_int *known)
{
	Sockbroker__V1__GetOptionRequest request = SOCKBROKER__V1__GET_OPTION_REQUEST__INIT;
	const Sockbroker__V1__GetOptionReply *got;
	struct reply reply;

	if (*known)
		return *known;
	if (sock_is_real(s)) {
		*known = direct_option(s, name);
		return *known;
	}
	request.handle = s->handle;
	request.level = SOL_SOCKET;
	request.name = name;
	request.length = sizeof(int);
	reply_init(&reply);
	if (rpc_call(s->broker, &request.base, &reply) == 0) {
		got = (const Sockbroker__V1__GetOptionReply *)reply.message;
		if (got->value && got->value->kind_case == SOCKBROKER__V1__OPTION_VALUE__KIND_INTEGER)
			*known = (int)got->value->integer;
	}
	reply_free(&reply);
	return *known;
}

bool data_is_stream(struct sb_sock *s)
{
	return sock_ask(s, SO_TYPE, &s->type) == SOCK_STREAM;
}

/* Sends the request as it stands. Returns the bytes queued, or -errno. */
static ssize_t send_request(struct sb_sock *s, Request *request, int64_t deadline)
{
	const int64_t left_ns = deadline_left(deadline);
	struct reply reply;
	ssize_t r;

	request->timeout_case = SOCKBROKER__V1__SEND_REQUEST__TIMEOUT__NOT_SET;
	if (left_ns >= 0) {
		request->timeout_case = SOCKBROKER__V1__SEND_REQUEST__TIMEOUT_TIMEOUT_NS;
		request->timeout_ns = (uint64_t)left_ns;
	}
	reply_init(&reply);
	r = api_call(s, &request->base, &request->handle, &reply);
	if (r == 0) {
		const uint64_t sent = ((const Sockbroker__V1__SendReply *)reply.message)->sent;

		r = sent <= request->data.len ? (ssize_t)sent : -EPROTO;
	}
	reply_free(&reply);
	return r;
}

/* One request's share of the message, at @offset. */
static ssize_t send_part(struct sb_sock *s, Request *request, const struct msghdr *msg,
			 size_t offset, size_t length, int64_t deadline)
{
	void *buffer = NULL;
	ssize_t r;

	if (!iov_is_one(msg, offset, length)) {
		buffer = malloc(length);
		if (!buffer)
			return -ENOMEM;
	}
	request->data.data = (uint8_t *)(uintptr_t)iov_piece(msg, offset, length, buffer);
	request->data.len = length;
	r = send_request(s, request, deadline);
	free(buffer);
	return r;
}

/* What one request can carry beside the rest of @request. */
static size_t part_most(const struct sb_sock *s, const Request *request)
{
	enum { FRAMING = 64 };
	const size_t most = rpc_limits(s->broker)->message_bytes;
	const size_t rest = protobuf_c_message_get_packed_size(&request->base) + FRAMING;

	return rest < most ? most - rest : 0;
}

static ssize_t send_parts(struct sb_sock *s, Request *request, const struct msghdr *msg,
			  size_t total, int64_t deadline)
{
	const size_t most = part_most(s, request);
	const uint32_t flags = request->flags;
	size_t done = 0;

	if (total > most && (!most || !data_is_stream(s)))
		return -EMSGSIZE;
	interrupt_forget();
	do {
		const size_t part = total - done < most ? total - done : most;
		ssize_t n;

		/* The byte out of band is the last of all. */
		request->flags = done + part < total ? flags & ~(uint32_t)MSG_OOB : flags;
		n = send_part(s, request, msg, done, part, deadline);
		if (n < 0)
			return done ? (ssize_t)done : n;
		done += (size_t)n;
		request->n_control = 0; /* it went with the first byte */
		if ((size_t)n < part || interrupt_came())
			break;
	} while (done < total);
	return (ssize_t)done;
}

/* By the session stream, after a transfer that is under way. */
static ssize_t send_in_order(struct sb_sock *s, Request *request, const struct msghdr *msg,
			     size_t total, int64_t wait_ns)
{
	const int64_t deadline = deadline_of(wait_ns);
	bool ordered = false;
	ssize_t r = lane_matters(&s->sending) ? lane_enter(&s->sending, wait_ns, &ordered) : 0;

	if (r < 0)
		return r;
	r = send_parts(s, request, msg, total, deadline);
	if (ordered)
		lane_leave(&s->sending);
	return r;
}

static ssize_t send_whole(struct sb_sock *s, const struct msghdr *msg, size_t total, int flags)
{
	Request request = SOCKBROKER__V1__SEND_REQUEST__INIT;
	const int64_t wait_ns = sock_wait_ns(s, flags);
	struct rights_given *given = NULL;
	struct arena arena;
	ssize_t r = 0;

	arena_init(&arena);
	request.flags = (uint32_t)(flags & ~DATA_OWN_FLAGS);
	if (msg->msg_name && msg->msg_namelen)
		r = api_address_take(msg->msg_name, msg->msg_namelen, &arena, &request.address);
	if (r == 0)
		r = rights_take(s, msg, &arena, &given, &request.n_control, &request.control);
	if (r == 0) {
		r = -ENOSYS;
		if (transfer_fits_send(s, &request, total))
			r = transfer_send(s, msg, total, request.flags, wait_ns);
		if (r == -ENOSYS)
			r = send_in_order(s, &request, msg, total, wait_ns);
	}
	rights_close(s, given);
	arena_reset(&arena);
	return r;
}

ssize_t data_send(struct sb_sock *s, const struct msghdr *msg, int flags)
{
	const ssize_t total = iov_total(msg);
	ssize_t r;

	if (total < 0)
		return total;
	r = send_whole(s, msg, (size_t)total, flags);
	if (r == -EAGAIN || (r >= 0 && r < total))
		watch_again(s, POLLOUT);
	return r;
}
