/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call/call.h"
#include "call/shard.h"
#include "identity/session.h"
#include "ops/returned.h"

/* Numbers from here on are the broker's to choose, below the client's. */
static const uint32_t FIRST_OWN_HANDLE = 0x80000000u;

static uint32_t head_events(const struct list *waiters)
{
	return list_empty(waiters) ? 0 : container_of(waiters->next, struct waiter, link)->events;
}

static uint32_t wanted_events(const struct sock *s)
{
	uint32_t want = head_events(&s->receivers) | head_events(&s->senders);

	for (struct list *l = s->pollers.next; l != &s->pollers; l = l->next)
		want |= container_of(l, struct waiter, link)->events;
	return want;
}

/* Bits that nobody wants any more are dropped only once they have fired in
 * vain: a client that receives again and again then costs no epoll_ctl(2). */
void sock_want(struct sock *s, uint32_t events)
{
	if (events & ~s->watch.armed)
		(void)watch_arm(&s->session->shard->poller, &s->watch, s->watch.armed | events);
}

void sock_rearm(struct sock *s)
{
	sock_want(s, wanted_events(s));
}

static void sock_disarm_fired(struct sock *s, uint32_t events)
{
	uint32_t want = wanted_events(s);
	uint32_t always = EPOLLHUP | EPOLLERR; /* reported whether asked for or not */

	if ((events & s->watch.armed & ~want) || (!want && (events & always)))
		(void)watch_arm(&s->session->shard->poller, &s->watch, want);
	else
		sock_rearm(s);
}

/* Oldest first, until one must wait still. */
static void run_queue(struct list *queue)
{
	while (!list_empty(queue))
		if (!call_retry(container_of(queue->next, struct waiter, link)->call))
			return;
}

/* Or until there is more for the client than it reads. */
static void run_receivers(struct sock *s)
{
	while (!list_empty(&s->receivers) && !s->session->congested)
		if (!call_retry(container_of(s->receivers.next, struct waiter, link)->call))
			return;
}

/* Each that waits for one of @events, once, however often it names the socket.
 * Finishing one may not remove another's waiter: they are different calls, or
 * one call's different sockets. */
static void run_pollers(struct sock *s, uint32_t events)
{
	const struct call *tried = NULL; /* a call's waiters stand together */
	struct list todo;

	list_init(&todo);
	list_splice(&todo, &s->pollers);
	while (!list_empty(&todo)) {
		struct waiter *w = container_of(todo.next, struct waiter, link);

		list_remove(&w->link);
		list_append(&s->pollers, &w->link);
		if (w->call == tried || !(events & (w->events | EPOLLHUP | EPOLLERR)))
			continue;
		tried = w->call;
		(void)call_retry(w->call);
	}
}

void sock_retry(struct sock *s, uint32_t events)
{
	const uint32_t any = EPOLLHUP | EPOLLERR;

	if (events & (EPOLLIN | EPOLLRDHUP | any))
		run_receivers(s);
	if (events & (EPOLLOUT | any))
		run_queue(&s->senders);
	run_pollers(s, events);
}

static void sock_ready(struct watch *w, uint32_t events)
{
	struct sock *s = sock_ref(container_of(w, struct sock, watch));

	if (s->session->congested) {
		if (list_empty(&s->in_stalled))
			list_append(&s->session->stalled, &s->in_stalled);
		(void)watch_arm(&s->session->shard->poller, &s->watch, 0);
	} else {
		sock_retry(s, events);
		sock_disarm_fired(s, events);
	}
	sock_unref(s);
}

static void sock_release(struct watch *w)
{
	free(container_of(w, struct sock, watch));
}

int sock_new(struct session *session, int fd, int family, int type, int protocol,
	     struct sock **ret)
{
	struct sock *s;

	if (!account_take(&session->account->sockets, 1, session->limits.sockets)) {
		close(fd);
		return -EMFILE;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		account_give(&session->account->sockets, 1);
		close(fd);
		return -ENOMEM;
	}
	s->watch = (struct watch){ .fd = fd, .ready = sock_ready, .release = sock_release };
	s->session = session_ref(session);
	s->refs = 1;
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	list_init(&s->receivers);
	list_init(&s->senders);
	list_init(&s->pollers);
	list_init(&s->held);
	list_init(&s->returned);
	list_init(&s->in_stalled);
	session->shard->n_sockets++;
	*ret = s;
	return 0;
}

struct sock *sock_ref(struct sock *s)
{
	s->refs++;
	return s;
}

bool family_closes_slowly(int family)
{
	return family != AF_INET && family != AF_INET6 && family != AF_UNIX;
}

void sock_disarm_linger(const struct sock *s)
{
	struct linger linger = { 0 };
	socklen_t len = sizeof(linger);

	if (!s->may_linger || s->watch.fd < 0)
		return;
	if (getsockopt(s->watch.fd, SOL_SOCKET, SO_LINGER, &linger, &len) == 0 &&
	    linger.l_onoff && linger.l_linger == 0)
		return;
	linger = (struct linger){ 0 };
	(void)setsockopt(s->watch.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

struct reaping {
	struct job job;
	int fd;
};

static void reap(struct job *job)
{
	struct reaping *r = container_of(job, struct reaping, job);

	close(r->fd);
	free(r);
}

/* The descriptor is closed here and now only if that cannot take long. */
static void sock_close_fd(struct sock *s)
{
	struct reaping *r = NULL;

	if (s->watch.fd < 0)
		return; /* Close has done it */
	sock_disarm_linger(s);
	if (family_closes_slowly(s->family))
		r = malloc(sizeof(*r));
	if (!r) {
		close(s->watch.fd);
		return;
	}
	*r = (struct reaping){ .job = { .run = reap }, .fd = s->watch.fd };
	workers_add(s->session->shard->workers, &r->job);
}

struct sock *sock_unref(struct sock *s)
{
	struct session *session;

	if (!s || --s->refs > 0)
		return NULL;

	session = s->session;
	(void)watch_arm(&session->shard->poller, &s->watch, 0);
	returned_drop(s);
	list_remove(&s->in_stalled);
	sock_close_fd(s);
	account_give(&session->account->sockets, 1);
	session->shard->n_sockets--;
	watch_close(&session->shard->poller, &s->watch);
	session_unref(session);
	return NULL;
}

static uint32_t free_handle(struct session *session)
{
	uint32_t number;

	do {
		number = session->next_handle++;
		if (session->next_handle < FIRST_OWN_HANDLE)
			session->next_handle = FIRST_OWN_HANDLE;
	} while (number < FIRST_OWN_HANDLE || handles_find(&session->handles, number));
	return number;
}

int sock_publish(struct sock *s, uint32_t wanted, uint32_t *ret_handle)
{
	struct session *session = s->session;
	int r;

	if (wanted >= FIRST_OWN_HANDLE)
		return -EINVAL;
	if (!wanted)
		wanted = free_handle(session);
	r = handles_insert(&session->handles, wanted, s);
	if (r < 0)
		return r;
	sock_ref(s);
	s->handles++;
	*ret_handle = wanted;
	return 0;
}
