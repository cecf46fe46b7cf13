/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops_descriptor.c - the descriptor itself, for a client on this host: GetDescriptor; and what
 * the policy says to who has one: Judge.
 *
 * The ticket stands for an offer (offers.h) that the ticket desk hands out. From the moment
 * that there is a ticket the socket is foreign: its client may clear O_NONBLOCK. What the rule sets
 * on it is set before there is a ticket, by a worker, since a device takes the kernel's lock on
 * all interfaces; and on the offer's own duplicate, so that nothing there is the shard's.
 */
#include "ops/ops.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "ops/offering.h"

/* ---- GetDescriptor ------------------------------------------------------------------- */

struct handing {
	struct offer offer;
	char *ticket;
};

int get_descriptor_intent(struct call *c)
{
	struct handing *h = arena_zalloc(&c->arena, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->ticket = arena_alloc(&c->arena, OFFER_TOKEN_BYTES);
	c->state = h;
	/* Who has a file's handle has had, or could have, its descriptor. */
	c->intent.action = c->sock->file ? ACTION_NONE : ACTION_DIRECT;
	return h->ticket ? 0 : -ENOMEM;
}

static int set_before(int fd, const struct sets *sets)
{
	if (sets->has_mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &sets->mark, sizeof(sets->mark)) < 0)
		return -errno;
	if (sets->device[0] && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, sets->device,
					  sizeof(sets->device)) < 0)
		return -errno;
	return 0;
}

int get_descriptor_work(struct call *c)
{
	struct handing *h = c->state;
	int r = set_before(h->offer.fd, &c->verdict.sets);

	if (r == 0)
		r = offers_add(&h->offer, 0, clock_now_ns(), h->ticket);
	if (r < 0)
		offer_end(&h->offer);
	return r;
}

/* A call that was held behind another Close finds the number gone, or given to another. */
static void release_handle(struct call *c)
{
	const uint32_t number = REQUEST(c, GetDescriptor)->handle;

	if (handles_find(&c->session->handles, number) != c->sock)
		return;
	sock_unpublish(c->session, number);
	c->sock->not_last = c->sock->refs == 1; /* this call's: it is closed before the answer leaves */
}

static void get_descriptor_worked(struct call *c, int r)
{
	const struct handing *h = c->state;

	if (r < 0)
		return;
	REPLY(c, GetDescriptor)->ticket = h->ticket;
	if (REQUEST(c, GetDescriptor)->release)
		release_handle(c);
}

int get_descriptor_attempt(struct call *c)
{
	const struct sets *sets = &c->verdict.sets;
	struct handing *h = c->state;
	int r;

	if (c->sock->capture)
		return -EOPNOTSUPP;
	r = offer_of_sock(c->sock, c->session, &h->offer);
	if (r < 0)
		return r;
	h->offer.direct = true;
	h->offer.foreign = true;
	sock_set_foreign(c->sock);
	if (sets->has_mark || sets->device[0]) {
		c->worked = get_descriptor_worked;
		return CALL_OFFLOAD;
	}
	r = get_descriptor_work(c);
	get_descriptor_worked(c, r);
	return r;
}

/* ---- Judge --------------------------------------------------------------------------- */

typedef Sockbroker__V1__JudgeRequest Asked;

static const struct {
	Sockbroker__V1__JudgeRequest__CallCase which;
	enum action action;
} questions[] = {
	{ SOCKBROKER__V1__JUDGE_REQUEST__CALL_SOCKET, ACTION_SOCKET },
	{ SOCKBROKER__V1__JUDGE_REQUEST__CALL_DIRECT, ACTION_DIRECT },
	{ SOCKBROKER__V1__JUDGE_REQUEST__CALL_BIND, ACTION_BIND },
	{ SOCKBROKER__V1__JUDGE_REQUEST__CALL_LISTEN, ACTION_LISTEN },
	{ SOCKBROKER__V1__JUDGE_REQUEST__CALL_CONNECT, ACTION_CONNECT },
	{ SOCKBROKER__V1__JUDGE_REQUEST__CALL_SEND, ACTION_SEND },
};
enum { N_QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

static const Sockbroker__V1__Address *asked_address(const Asked *req, enum action action)
{
	switch (action) {
	case ACTION_BIND: return req->bind;
	case ACTION_LISTEN: return req->listen;
	case ACTION_CONNECT: return req->connect;
	default: return req->send;
	}
}

int judge_intent(struct call *c)
{
	const Asked *req = REQUEST(c, Judge);
	struct intent *in = &c->intent;
	int r = socket_kind(req->family, req->type, req->protocol, in);

	for (size_t i = 0; i < N_QUESTIONS; i++)
		if (questions[i].which == req->call_case)
			in->action = questions[i].action;
	if (r < 0 || in->action == ACTION_NONE)
		return r < 0 ? r : -EINVAL;
	/* Who asks for these has still to do what he asked about; the others he does himself. */
	c->only_asks = in->action == ACTION_SOCKET || in->action == ACTION_DIRECT;
	if (c->only_asks)
		return 0;
	r = addr_decode(asked_address(req, in->action), &in->addr);
	return r < 0 ? r : addr_fit(&in->addr, in->family, in->protocol);
}

/* The answer was the policy's. */
int judge_attempt(struct call *c)
{
	(void)c;
	return 0;
}
