/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_many.c - sendmmsg(2): many datagrams in a request, their payloads one
 * after the other. A vector that is too large for one request goes in several.
 */
#include <errno.h>
#include <stdlib.h>
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

typedef Sockbroker__V1__SendManyRequest Request;

/* One request in the making, all of it in the arena. */
struct bundle {
	Request request;
	struct sb_sock *sock;
	struct arena *arena;
	size_t bytes_most;     /* that a request may carry, rest and all */
	size_t bytes;          /* so far */
	struct rights_given *given;
};

/* Names, control messages, sizes: what stands beside the data, at most. */
static size_t weight_of(const struct mmsghdr *m, size_t total)
{
	return total + m->msg_hdr.msg_namelen + 32 + 2 * m->msg_hdr.msg_controllen;
}

/* How many of @msgs go into one request: at least one, or -errno. */
static int count_fitting(struct bundle *b, const struct mmsghdr *msgs, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		const ssize_t total = iov_total(&msgs[i].msg_hdr);
		size_t weight;

		if (total < 0)
			return i ? (int)i : (int)total;
		weight = weight_of(&msgs[i], (size_t)total);
		if (weight > b->bytes_most - b->bytes)
			return i ? (int)i : -EMSGSIZE;
		b->bytes += weight;
		b->request.data.len += (size_t)total;
	}
	return (int)n;
}

static int add_data(struct bundle *b, const struct mmsghdr *msgs, unsigned n)
{
	Request *r = &b->request;
	size_t at = 0;

	r->data.data = arena_alloc(b->arena, r->data.len);
	r->sizes = arena_alloc(b->arena, n * sizeof(*r->sizes));
	if (!r->data.data || !r->sizes)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		const size_t total = (size_t)iov_total(&msgs[i].msg_hdr);
		uint8_t *to = r->data.data + at;
		const void *piece = iov_piece(&msgs[i].msg_hdr, 0, total, to);

		if (piece != to)
			memcpy(to, piece, total);
		r->sizes[i] = (uint32_t)total;
		at += total;
	}
	r->n_sizes = n;
	return 0;
}

static bool names_are_one(const struct mmsghdr *msgs, unsigned n)
{
	const struct msghdr *first = &msgs[0].msg_hdr;

	for (unsigned i = 1; i < n; i++) {
		const struct msghdr *h = &msgs[i].msg_hdr;

		if (h->msg_namelen != first->msg_namelen || !h->msg_name != !first->msg_name)
			return false;
		if (h->msg_name && memcmp(h->msg_name, first->msg_name, h->msg_namelen) != 0)
			return false;
	}
	return true;
}

static int add_name(struct bundle *b, const struct msghdr *h, Sockbroker__V1__Address **ret)
{
	if (h->msg_name && h->msg_namelen)
		return api_address_take(h->msg_name, h->msg_namelen, b->arena, ret);
	*ret = arena_alloc(b->arena, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	sockbroker__v1__address__init(*ret);
	return 0;
}

static int add_names(struct bundle *b, const struct mmsghdr *msgs, unsigned n)
{
	Request *r = &b->request;
	const bool one = names_are_one(msgs, n);
	int error = 0;

	if (one && (!msgs[0].msg_hdr.msg_name || !msgs[0].msg_hdr.msg_namelen))
		return 0;
	if (one)
		n = 1;
	r->addresses = arena_alloc(b->arena, n * sizeof(*r->addresses));
	if (!r->addresses)
		return -ENOMEM;
	for (; r->n_addresses < n && error == 0; r->n_addresses++)
		error = add_name(b, &msgs[r->n_addresses].msg_hdr, &r->addresses[r->n_addresses]);
	return error;
}

static int add_control(struct bundle *b, const struct mmsghdr *msgs, unsigned n)
{
	Request *r = &b->request;
	bool any = false;
	int error = 0;

	for (unsigned i = 0; i < n; i++)
		any = any || msgs[i].msg_hdr.msg_controllen;
	if (!any)
		return 0;
	r->control = arena_alloc(b->arena, n * sizeof(*r->control));
	if (!r->control)
		return -ENOMEM;
	for (unsigned i = 0; i < n && error == 0; i++) {
		Sockbroker__V1__ControlMessages *m = arena_alloc(b->arena, sizeof(*m));

		if (!m)
			return -ENOMEM;
		sockbroker__v1__control_messages__init(m);
		error = rights_take(b->sock, &msgs[i].msg_hdr, b->arena, &b->given,
				    &m->n_messages, &m->messages);
		r->control[r->n_control++] = m;
	}
	return error;
}

static int take_reply(const Sockbroker__V1__SendManyReply *got, struct mmsghdr *msgs, unsigned n)
{
	if (got->count > n || got->n_sent < got->count)
		return -EPROTO;
	for (unsigned i = 0; i < got->count; i++)
		msgs[i].msg_len = got->sent[i];
	return (int)got->count;
}

static int bundle_call(struct bundle *b, struct mmsghdr *msgs, unsigned n, int64_t deadline)
{
	const int64_t left_ns = deadline_left(deadline);
	struct reply reply;
	int r;

	if (left_ns >= 0) {
		b->request.timeout_case = SOCKBROKER__V1__SEND_MANY_REQUEST__TIMEOUT_TIMEOUT_NS;
		b->request.timeout_ns = (uint64_t)left_ns;
	}
	reply_init(&reply);
	r = rpc_call(b->sock->broker, &b->request.base, &reply);
	if (r == 0)
		r = take_reply((const Sockbroker__V1__SendManyReply *)reply.message, msgs, n);
	reply_free(&reply);
	return r;
}

/* Sends the first of @msgs, as many as fit; *@ret_tried says how many. Returns the
 * datagrams sent, or -errno. */
static int send_bundle(struct sb_sock *s, struct mmsghdr *msgs, unsigned n, int flags,
		       int64_t deadline, unsigned *ret_tried)
{
	struct arena arena;
	struct bundle b = { .request = SOCKBROKER__V1__SEND_MANY_REQUEST__INIT, .sock = s,
			    .arena = &arena,
			    .bytes_most = rpc_limits(s->broker)->message_bytes - 1024 };
	const int fitting = count_fitting(&b, msgs, n);
	int r;

	if (fitting < 0)
		return fitting;
	n = *ret_tried = (unsigned)fitting;
	/* Its length counted all that was looked at; they are those that fit. */
	b.request.handle = s->handle;
	b.request.flags = (uint32_t)(flags & ~DATA_OWN_FLAGS);
	arena_init(&arena);
	r = add_data(&b, msgs, n);
	if (r == 0)
		r = add_names(&b, msgs, n);
	if (r == 0)
		r = add_control(&b, msgs, n);
	if (r == 0)
		r = bundle_call(&b, msgs, n, deadline);
	rights_close(s, b.given);
	arena_reset(&arena);
	return r;
}

static int send_many(struct sb_sock *s, struct mmsghdr *msgs, unsigned n, int flags)
{
	const int64_t deadline = deadline_of(sock_wait_ns(s, flags));
	unsigned done = 0, tried = 0;

	interrupt_forget();
	while (done < n) {
		const int r = send_bundle(s, msgs + done, n - done, flags, deadline, &tried);

		if (r < 0)
			return done ? (int)done : r;
		done += (unsigned)r;
		if ((unsigned)r < tried || interrupt_came())
			break;
	}
	return (int)done;
}

int sb_sendmmsg(int fd, struct mmsghdr *msgvec, unsigned int vlen, int flags)
{
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	if (vlen > MANY_MOST)
		vlen = MANY_MOST;
	r = vlen && !msgvec ? -EFAULT : 0;
	if (r == 0 && vlen)
		r = sock_is_real(s) ? direct_send_many(s, msgvec, vlen, flags) :
				      send_many(s, msgvec, vlen, flags);
	if (r == -EAGAIN || (r >= 0 && (unsigned)r < vlen))
		watch_again(s, POLLOUT);
	return (int)api_done(__func__, s, r);
}
