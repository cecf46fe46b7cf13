/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call/call.h"
#include "call/shard.h"
#include "identity/session.h"
#include "ops/capture.h"
#include "ops/offers.h"
#include "ops/returned.h"
#include "ops/unix_receive.h"

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

/* Of a pair, each is watched for what it tells. */
static void sock_arm(struct sock *s, uint32_t events)
{
	struct poller *p = &s->session->shard->poller;

	if (s->capture) {
		(void)watch_arm(p, &s->capture->watch, events & CAPTURE_EVENTS);
		events &= ~(uint32_t)CAPTURE_EVENTS;
	}
	(void)watch_arm(p, &s->watch, events);
}

static uint32_t sock_armed(const struct sock *s)
{
	return s->watch.armed | (s->capture ? s->capture->watch.armed : 0);
}

void sock_unwatch(struct sock *s)
{
	sock_arm(s, 0);
}

/* Bits that nobody wants any more are dropped only once they have fired in
 * vain: a client that receives again and again then costs no epoll_ctl(2). */
void sock_want(struct sock *s, uint32_t events)
{
	if (events & ~sock_armed(s))
		sock_arm(s, sock_armed(s) | events);
}

void sock_rearm(struct sock *s)
{
	sock_want(s, wanted_events(s));
}

static void sock_disarm_fired(struct sock *s, uint32_t events)
{
	uint32_t want = wanted_events(s);
	uint32_t always = EPOLLHUP | EPOLLERR; /* reported whether asked for or not */

	if ((events & sock_armed(s) & ~want) || (!want && (events & always)))
		sock_arm(s, want);
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

static void sock_woken(struct sock *s, uint32_t events)
{
	sock_ref(s);
	if (s->session->congested) {
		if (list_empty(&s->in_stalled))
			list_append(&s->session->stalled, &s->in_stalled);
		sock_unwatch(s);
	} else {
		sock_retry(s, events);
		sock_disarm_fired(s, events);
	}
	sock_unref(s);
}

static void sock_ready(struct watch *w, uint32_t events)
{
	sock_woken(container_of(w, struct sock, watch), events);
}

static void sock_release(struct watch *w)
{
	free(container_of(w, struct sock, watch));
}

int sock_new(struct session *session, int fd, int family, int type, int protocol,
	     struct sock **ret)
{
	struct sock *s;

	if (!account_take(&session->account->sockets, 1, session->limits.sockets))
		return -EMFILE;
	s = calloc(1, sizeof(*s));
	if (!s) {
		account_give(&session->account->sockets, 1);
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

/* ---- receiving from elsewhere -------------------------------------------------- */

static void capture_ready(struct watch *w, uint32_t events)
{
	sock_woken(container_of(w, struct capture, watch)->sock, events);
}

static void capture_release(struct watch *w)
{
	capture_free(container_of(w, struct capture, watch));
}

void sock_add_capture(struct sock *s, struct capture *cap)
{
	const uint32_t armed = sock_armed(s);

	cap->sock = s;
	cap->watch.ready = capture_ready;
	cap->watch.release = capture_release;
	s->capture = cap;
	sock_arm(s, armed);
}

struct capture *sock_take_capture(struct sock *s)
{
	struct capture *cap = s->capture;
	const uint32_t armed = sock_armed(s);

	if (!cap)
		return NULL;
	(void)watch_arm(&s->session->shard->poller, &cap->watch, 0);
	s->capture = NULL;
	sock_arm(s, armed & ~(uint32_t)CAPTURE_EVENTS);
	return cap;
}

void sock_drop_capture(const struct sock *s, struct capture *cap)
{
	account_give(&s->session->account->sockets, 1);
	watch_close(&s->session->shard->poller, &cap->watch);
}

ssize_t sock_receive(const struct sock *s, struct msghdr *msg, int flags)
{
	if (s->capture && !(flags & MSG_ERRQUEUE))
		return capture_receive(s->capture, msg, flags);
	if (s->family == AF_UNIX)
		return unix_receive(s->watch.fd, s->session->account, msg, flags);
	return recvmsg(s->watch.fd, msg, flags);
}

static int unix_receive_many(const struct sock *s, struct mmsghdr *messages, unsigned n, int flags)
{
	for (unsigned i = 0; i < n; i++) {
		const ssize_t length = sock_receive(s, &messages[i].msg_hdr, flags);

		if (length < 0)
			return i ? (int)i : -1;
		messages[i].msg_len = (unsigned)length;
	}
	return (int)n;
}

int sock_receive_many(const struct sock *s, struct mmsghdr *messages, unsigned n, int flags)
{
	if (s->capture && !(flags & MSG_ERRQUEUE))
		return capture_receive_many(s->capture, messages, n, flags);
	if (s->family == AF_UNIX)
		return unix_receive_many(s, messages, n, flags);
	return recvmmsg(s->watch.fd, messages, n, flags, NULL);
}

/* ---- the end -------------------------------------------------------------------- */

bool family_is_slow(int family)
{
	return family != AF_INET && family != AF_INET6 && family != AF_UNIX;
}

/* A UNIX socket closes what lies in it unread, which may linger; and the last to close a
 * connection may be the one that lingers, if others can tell it to. */
bool sock_closes_slowly(const struct sock *s)
{
	const bool connectionless = s->type == SOCK_DGRAM || s->type == SOCK_RAW;

	if (s->not_last)
		return false;
	if (s->capture || s->file || family_is_slow(s->family))
		return true;
	if (s->family == AF_UNIX)
		return sock_is_foreign(s) || sock_is_shared(s) || !unix_is_empty(s->watch.fd, s->type);
	return !connectionless && sock_is_foreign(s);
}

bool sock_is_shared(const struct sock *s)
{
	return s->holders && atomic_load(&s->holders->n) > 1;
}

bool sock_is_foreign(const struct sock *s)
{
	bool foreign = s->foreign;

	if (!s->holders || foreign)
		return foreign;
	pthread_mutex_lock(&s->holders->lock);
	foreign = s->holders->foreign;
	pthread_mutex_unlock(&s->holders->lock);
	return foreign;
}

void sock_set_foreign(struct sock *s)
{
	s->foreign = true;
	if (!s->holders)
		return;
	pthread_mutex_lock(&s->holders->lock);
	s->holders->foreign = true;
	pthread_mutex_unlock(&s->holders->lock);
}

bool sock_begin_own(const struct sock *s)
{
	if (s->foreign)
		return false;
	if (!s->holders)
		return true;
	pthread_mutex_lock(&s->holders->lock);
	if (!s->holders->foreign)
		return true;
	pthread_mutex_unlock(&s->holders->lock);
	return false;
}

void sock_end_own(const struct sock *s)
{
	if (s->holders)
		pthread_mutex_unlock(&s->holders->lock);
}

void sock_close_now(struct sock *s)
{
	if (s->capture)
		capture_close(s->capture);
	close(s->watch.fd);
	s->watch.fd = -1;
}

/* One-to-many SCTP is what the internet families have of that type. */
bool is_sctp(const struct sock *s)
{
	return (s->family == AF_INET || s->family == AF_INET6) &&
	       (s->protocol == IPPROTO_SCTP || s->type == SOCK_SEQPACKET);
}

void fd_disarm_linger(int fd)
{
	struct linger linger = { 0 };
	socklen_t len = sizeof(linger);

	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len) == 0 && linger.l_onoff &&
	    linger.l_linger == 0)
		return;
	linger = (struct linger){ 0 };
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* Takes @fd, and gives back what it counts: here and now only if that cannot take long. */
static void close_fd(struct account *account, int fd, bool slowly)
{
	if (fd >= 0 && slowly) {
		crew_close(account, fd, true);
		return;
	}
	if (fd >= 0)
		close(fd);
	account_give(&account->sockets, 1);
}

/* Unless Close has done it. */
static void sock_close_fds(struct sock *s)
{
	const bool ours = !sock_is_foreign(s), slowly = sock_closes_slowly(s);
	struct account *account = s->session->account;
	struct capture *cap = sock_take_capture(s);
	const bool last = holders_unref(s->holders);

	if (cap) {
		close_fd(account, cap->watch.fd, true);
		watch_close(&s->session->shard->poller, &cap->watch);
	}
	if (s->watch.fd >= 0 && last && ours && s->may_linger)
		fd_disarm_linger(s->watch.fd);
	close_fd(account, s->watch.fd, slowly);
}

struct sock *sock_unref(struct sock *s)
{
	struct session *session;

	if (!s || --s->refs > 0)
		return NULL;

	session = s->session;
	sock_unwatch(s);
	returned_drop(s);
	list_remove(&s->in_stalled);
	sock_close_fds(s);
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

void sock_unpublish(struct session *session, uint32_t handle)
{
	struct sock *s = handles_remove(&session->handles, handle);

	s->handles--;
	sock_unref(s);
}
