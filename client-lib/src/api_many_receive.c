/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_many_receive.c - recvmmsg(2). The timeout is that of the whole call, and
 * is kept (the kernel looks at it only between datagrams, and may wait for
 * ever for the last).
 */
#include <errno.h>
#include <string.h>

#include "api.h"
#include "data.h"
#include "deadline.h"
#include "direct.h"
#include "interrupt.h"
#include "iov.h"
#include "many.h"
#include "rights.h"
#include "sockbroker.h"
#include "watch.h"

typedef Sockbroker__V1__RecvManyRequest Request;
typedef Sockbroker__V1__RecvManyReply Reply;

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Fills in @lengths for as many of @msgs as one request may ask for. Returns how many,
 * or -errno. */
static int request_fill(Request *request, uint32_t *lengths, const struct sb_sock *s,
			const struct mmsghdr *msgs, unsigned n)
{
	const size_t most = smaller(MANY_BYTES, rpc_limits(s->broker)->receive_bytes);
	size_t bytes = 0, control = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		const struct msghdr *h = &msgs[i].msg_hdr;
		const ssize_t total = iov_total(h);

		if (total < 0 && i == 0)
			return (int)total;
		if (total < 0 || (i && (size_t)total > most - bytes))
			break;
		lengths[i] = (uint32_t)smaller((size_t)total, most);
		bytes += lengths[i];
		if (h->msg_control && h->msg_controllen > control)
			control = h->msg_controllen;
		request->want_address = request->want_address || h->msg_name;
	}
	request->handle = s->handle;
	request->lengths = lengths;
	request->n_lengths = i;
	request->control_length = (uint32_t)smaller(control, 65536);
	return (int)i;
}

static int take_one(const struct sb_sock *s, const Reply *got, size_t i, const uint8_t *data, int flags,
		    struct mmsghdr *m)
{
	struct msghdr *h = &m->msg_hdr;
	const ssize_t room = iov_total(h);
	const size_t size = got->sizes[i];
	int r;

	iov_scatter(h, 0, data, smaller(size, (size_t)room));
	m->msg_len = (unsigned)(i < got->n_lengths ? got->lengths[i] : size);
	h->msg_flags = i < got->n_flags ? (int)got->flags[i] : 0;
	if (i < got->n_control)
		r = rights_give(s, got->control[i]->messages, got->control[i]->n_messages,
				flags, h);
	else
		r = rights_give(s, NULL, 0, flags, h);
	if (r == 0)
		r = api_address_give(i < got->n_addresses ? got->addresses[i] : NULL, h->msg_name,
				     &h->msg_namelen);
	return r;
}

static int take_reply(const struct sb_sock *s, const Reply *got, int flags, struct mmsghdr *msgs,
		      unsigned n)
{
	size_t at = 0;
	int r;

	if (got->n_sizes > n)
		return -EPROTO;
	for (size_t i = 0; i < got->n_sizes; i++) {
		if (got->sizes[i] > got->data.len - at)
			return -EPROTO;
		r = take_one(s, got, i, got->data.data + at, flags, &msgs[i]);
		if (r < 0)
			return r;
		at += got->sizes[i];
	}
	return (int)got->n_sizes;
}

/* The first of @msgs, as many as fit in one request; *@ret_tried says how many. */
static int receive_bundle(struct sb_sock *s, struct mmsghdr *msgs, unsigned n, int flags,
			  int64_t wait_ns, unsigned *ret_tried)
{
	Request request = SOCKBROKER__V1__RECV_MANY_REQUEST__INIT;
	uint32_t lengths[MANY_MOST];
	struct reply reply;
	int r = request_fill(&request, lengths, s, msgs, n);

	if (r < 0)
		return r;
	n = *ret_tried = (unsigned)r;
	request.flags = (uint32_t)(flags & ~DATA_OWN_FLAGS);
	if (wait_ns >= 0) {
		request.timeout_case = SOCKBROKER__V1__RECV_MANY_REQUEST__TIMEOUT_TIMEOUT_NS;
		request.timeout_ns = (uint64_t)wait_ns;
	}
	reply_init(&reply);
	r = rpc_call(s->broker, &request.base, &reply);
	if (r == 0)
		r = take_reply(s, (const Reply *)reply.message, flags, msgs, n);
	reply_free(&reply);
	return r;
}

static int receive_many(struct sb_sock *s, struct mmsghdr *msgs, unsigned n, int flags,
			int64_t deadline)
{
	unsigned done = 0, tried = 0;

	interrupt_forget();
	while (done < n) {
		/* MSG_WAITFORONE: that one has come. */
		const int64_t wait_ns = done && (flags & MSG_WAITFORONE) ? 0 : deadline_left(deadline);
		const int r = receive_bundle(s, msgs + done, n - done, flags, wait_ns, &tried);

		if (r < 0)
			return done ? (int)done : r;
		done += (unsigned)r;
		if ((unsigned)r < tried || interrupt_came())
			break;
	}
	return (int)done;
}

/* The call's own limit; negative: none. */
static int64_t own_limit(const struct timespec *timeout)
{
	if (!timeout)
		return -1;
	return timeout->tv_sec > INT64_MAX / NS_PER_S - 1 ?
	       INT64_MAX : (int64_t)timeout->tv_sec * NS_PER_S + timeout->tv_nsec;
}

/* The shorter of the socket's limit and the call's own. */
static int64_t limit_of(const struct sb_sock *s, int flags, int64_t own_ns)
{
	const int64_t wait_ns = sock_wait_ns(s, flags);

	return own_ns < 0 || (wait_ns >= 0 && wait_ns < own_ns) ? wait_ns : own_ns;
}

static int receive(struct sb_sock *s, struct mmsghdr *msgs, unsigned n, int flags, int64_t own_ns)
{
	if (sock_is_real(s))
		return direct_receive_many(s, msgs, n, flags, own_ns);
	return receive_many(s, msgs, n, flags, deadline_of(limit_of(s, flags, own_ns)));
}

static void timeout_reduce(struct timespec *timeout, int64_t since)
{
	const int64_t past_ns = now_ns() - since;
	const int64_t tv_sec = past_ns / NS_PER_S, tv_nsec = past_ns % NS_PER_S;

	timeout->tv_sec -= tv_sec;
	timeout->tv_nsec -= tv_nsec;
	if (timeout->tv_nsec < 0) {
		timeout->tv_nsec += NS_PER_S;
		timeout->tv_sec--;
	}
	if (timeout->tv_sec < 0)
		*timeout = (struct timespec){ 0 };
}

static bool timeout_is_bad(const struct timespec *t)
{
	return t && (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= NS_PER_S);
}

int sb_recvmmsg(int fd, struct mmsghdr *msgvec, unsigned int vlen, int flags,
		struct timespec *timeout)
{
	struct sb_sock *s;
	int64_t since;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	if (vlen > MANY_MOST)
		vlen = MANY_MOST;
	if (timeout_is_bad(timeout))
		r = -EINVAL;
	else if (vlen && !msgvec)
		r = -EFAULT;
	if (r < 0 || !vlen)
		return (int)api_done(__func__, s, r);

	since = timeout ? now_ns() : 0;
	r = receive(s, msgvec, vlen, flags, own_limit(timeout));
	if (timeout && r >= 0)
		timeout_reduce(timeout, since);
	watch_again(s, POLLIN);
	return (int)api_done(__func__, s, r);
}
