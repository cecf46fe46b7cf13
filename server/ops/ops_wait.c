/* SPDX-License-Identifier: Apache-2.0 */
/* ops_wait.c - poll: on many sockets at once. */
#include "ops/ops.h"

#include <poll.h>

#include "ops/capture.h"

enum { POLL_MAX = 65536 };

/* poll(2) and epoll(7) have the same numbers for these. */
static const uint32_t POLL_EVENTS = POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLRDBAND |
				    POLLWRNORM | POLLWRBAND | POLLRDHUP;
_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLRDHUP == EPOLLRDHUP &&
	       POLLPRI == EPOLLPRI && POLLRDNORM == EPOLLRDNORM && POLLWRBAND == EPOLLWRBAND,
	       "poll and epoll differ");

struct polling {
	struct pollfd *fds;  /* of each handle; fd is -1: no such handle, or a file's */
	size_t n;
};

static void watch_one(struct call *c, struct polling *st, size_t i)
{
	const Sockbroker__V1__PollRequest *req = REQUEST(c, Poll);
	struct sock *s = handles_find(&c->session->handles, req->handles[i]);
	struct waiter *w;

	st->fds[i] = (struct pollfd){ .fd = -1 };
	if (!s || s->file)
		return;
	st->fds[i].fd = s->watch.fd;
	st->fds[i].events = (short)(req->events[i] & POLL_EVENTS);
	w = &c->waiters[c->n_waiters++];
	*w = (struct waiter){ .call = c, .sock = sock_ref(s), .events = req->events[i] & POLL_EVENTS };
	/* To be told of errors and hang-ups, something must be watched for. */
	if (!w->events)
		w->events = EPOLLERR;
	list_init(&w->link);
}

int poll_intent(struct call *c)
{
	const Sockbroker__V1__PollRequest *req = REQUEST(c, Poll);
	struct polling *st = arena_alloc(&c->arena, sizeof(*st));

	if (!st)
		return -ENOMEM;
	if (req->n_handles < 1 || req->n_handles > POLL_MAX || req->n_events != req->n_handles)
		return -EINVAL;
	st->n = req->n_handles;
	st->fds = arena_alloc(&c->arena, st->n * sizeof(*st->fds));
	c->waiters = arena_alloc(&c->arena, st->n * sizeof(*c->waiters));
	if (!st->fds || !c->waiters)
		return -ENOMEM;
	c->state = st;
	for (size_t i = 0; i < st->n; i++)
		watch_one(c, st, i);
	return no_intent(c);
}

/* What was given back can be received, whatever the kernel says. */
static uint32_t revents_of(const struct call *c, const struct polling *st, size_t i)
{
	const Sockbroker__V1__PollRequest *req = REQUEST(c, Poll);
	uint32_t revents = (unsigned short)st->fds[i].revents;
	struct sock *s;

	if (st->fds[i].fd < 0)
		return POLLNVAL;
	s = handles_find(&c->session->handles, req->handles[i]);
	if (s && s->capture)
		revents = capture_revents(s->capture, req->events[i], revents);
	if (s && !list_empty(&s->returned))
		revents |= req->events[i] & (POLLIN | POLLRDNORM);
	return revents;
}

static int poll_done(struct call *c)
{
	const struct polling *st = c->state;
	Sockbroker__V1__PollReply *rep = REPLY(c, Poll);

	rep->n_revents = st->n;
	for (size_t i = 0; i < st->n; i++) {
		rep->revents[i] = revents_of(c, st, i);
		rep->count += rep->revents[i] != 0;
	}
	return 0;
}

int poll_attempt(struct call *c)
{
	struct polling *st = c->state;
	Sockbroker__V1__PollReply *rep = REPLY(c, Poll);

	if (!rep->revents)
		rep->revents = arena_alloc(&c->arena, st->n * sizeof(*rep->revents));
	if (!rep->revents)
		return -ENOMEM;
	if (poll(st->fds, st->n, 0) < 0)
		return -errno;
	rep->count = 0;
	poll_done(c);
	return rep->count ? 0 : -EAGAIN;
}

/* When the time is up, nothing being ready is an answer. */
int poll_finish(struct call *c, int error)
{
	(void)c;
	return error == -EAGAIN ? 0 : error;
}
