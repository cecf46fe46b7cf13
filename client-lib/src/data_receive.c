/* SPDX-License-Identifier: Apache-2.0 */
/* data_receive.c - a receive, and MSG_WAITALL of more than one reply can hold. */
#include "data.h"

#include <errno.h>

#include "api.h"
#include "deadline.h"
#include "interrupt.h"
#include "iov.h"
#include "rights.h"
#include "transfer.h"
#include "watch.h"

typedef Sockbroker__V1__RecvRequest Request;
typedef Sockbroker__V1__RecvReply Reply;

enum { CONTROL_BYTES_MAX = 65536 };

struct receiving {
	Request request;
	int flags; /* recvmsg(2)'s, all of them */
};

static void request_fill(Request *request, const struct sb_sock *s, const struct msghdr *msg,
			 size_t length, int64_t deadline)
{
	const int64_t left_ns = deadline_left(deadline);
	const size_t most = rpc_limits(s->broker)->receive_bytes;
	const size_t control = msg->msg_control ? msg->msg_controllen : 0;

	request->handle = s->handle;
	request->length = (uint32_t)(length < most ? length : most);
	request->control_length = (uint32_t)(control < CONTROL_BYTES_MAX ? control : CONTROL_BYTES_MAX);
	request->want_address = msg->msg_name != NULL;
	request->timeout_case = SOCKBROKER__V1__RECV_REQUEST__TIMEOUT__NOT_SET;
	if (left_ns >= 0) {
		request->timeout_case = SOCKBROKER__V1__RECV_REQUEST__TIMEOUT_TIMEOUT_NS;
		request->timeout_ns = (uint64_t)left_ns;
	}
}

/* All but the data. */
static int take_rest(const struct sb_sock *s, const Reply *got, int flags, struct msghdr *msg)
{
	int r;

	msg->msg_flags = (int)got->flags;
	r = rights_give(s, got->control, got->n_control, flags, msg);
	if (r == 0)
		r = api_address_give(got->address, msg->msg_name, &msg->msg_namelen);
	return r;
}

/* Into @msg from @offset on. Returns what recv(2) would, or -errno. */
static ssize_t receive_part(struct sb_sock *s, struct receiving *receiving, struct msghdr *msg,
			    size_t offset, size_t length, int64_t deadline)
{
	Request *request = &receiving->request;
	const Reply *got;
	struct reply reply;
	size_t n;
	ssize_t r;

	request_fill(request, s, msg, length, deadline);
	reply_init(&reply);
	r = rpc_call(s->broker, &request->base, &reply);
	if (r == 0) {
		got = (const Reply *)reply.message;
		n = got->data.len < request->length ? got->data.len : request->length;
		if (n)
			iov_scatter(msg, offset, got->data.data, n);
		r = take_rest(s, got, receiving->flags, msg);
		/* With MSG_TRUNC the true length, which may be more. */
		if (r == 0)
			r = (request->flags & MSG_TRUNC) ? (ssize_t)got->length : (ssize_t)n;
	}
	reply_free(&reply);
	return r;
}

/* The rest of what MSG_WAITALL waits for, after @done bytes. */
static ssize_t receive_rest(struct sb_sock *s, struct receiving *receiving, struct msghdr *msg,
			    size_t done, size_t total, int64_t deadline)
{
	/* Names and control messages came with the first part. */
	struct msghdr rest = { .msg_iov = msg->msg_iov, .msg_iovlen = msg->msg_iovlen };

	while (done < total && !interrupt_came()) {
		const ssize_t n = receive_part(s, receiving, &rest, done, total - done, deadline);

		if (n > 0)
			done += (size_t)n;
		if (n < (ssize_t)receiving->request.length)
			break;
	}
	return (ssize_t)done;
}

/* By the session stream. */
static ssize_t receive_parts(struct sb_sock *s, struct msghdr *msg, size_t total, int flags,
			     int64_t deadline)
{
	struct receiving receiving = { .request = SOCKBROKER__V1__RECV_REQUEST__INIT, .flags = flags };
	ssize_t r;

	receiving.request.flags = (uint32_t)(flags & ~DATA_OWN_FLAGS);
	interrupt_forget();
	r = receive_part(s, &receiving, msg, 0, total, deadline);
	transfer_note(s, r);
	if ((flags & (MSG_WAITALL | MSG_PEEK | MSG_TRUNC)) != MSG_WAITALL || r <= 0 ||
	    (size_t)r == total || r < (ssize_t)receiving.request.length ||
	    !data_is_stream(s))
		return r;
	return receive_rest(s, &receiving, msg, (size_t)r, total, deadline);
}

static ssize_t receive_whole(struct sb_sock *s, struct msghdr *msg, size_t total, int flags)
{
	const int64_t wait_ns = sock_wait_ns(s, flags), deadline = deadline_of(wait_ns);
	const uint32_t wire_flags = (uint32_t)(flags & ~DATA_OWN_FLAGS);
	bool ordered = false;
	ssize_t r = -ENOSYS;

	if (transfer_fits_receive(s, msg, wire_flags, total))
		r = transfer_receive(s, msg, total, wire_flags, wait_ns);
	if (r != -ENOSYS)
		return r;
	r = lane_matters(&s->receiving) ? lane_enter(&s->receiving, wait_ns, &ordered) : 0;
	if (r < 0)
		return r;
	r = receive_parts(s, msg, total, flags, deadline);
	if (ordered)
		lane_leave(&s->receiving);
	return r;
}

ssize_t data_receive(struct sb_sock *s, struct msghdr *msg, int flags)
{
	const ssize_t total = iov_total(msg);
	ssize_t r;

	if (total < 0)
		return total;
	r = receive_whole(s, msg, (size_t)total, flags);
	watch_again(s, POLLIN);
	return r;
}
