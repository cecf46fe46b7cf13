/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.c - a stand-in that poll(2) and epoll(7) can wait for.
 *
 * A stand-in is one end of a UNIX stream socketpair. The kernel derives what it
 * shows from the two ends, so we drive them:
 *
 *   POLLIN    a byte lies in it, written into the other end
 *   POLLOUT   its send buffer is empty; not so: we keep it full
 *   POLLHUP   the other end is shut down, for ever: only for a socket that is
 *             connected and hung up, without an error. Another POLLHUP or POLLERR
 *             (a fresh TCP socket, a refused connect) may pass, and is shown as
 *             POLLIN and POLLOUT: the call then made says what is the matter.
 *
 * Each direction is in one of three states:
 *
 *             rearm: show nothing, send Poll
 *      idle ─────────────────────────────────► armed
 *        ▲                                    │  ▲
 *        │ not asked for any more       reply │  │ a call was made on the socket
 *        └────────────────────── shown ◄──────┘  │ (for POLLOUT: that could not
 *                                  └─────────────┘  do all it wanted)
 *
 * While something is shown no Poll is under way, so a socket that stays ready
 * costs nothing: only the program's own calls make us look again. (A Poll that is
 * under way then needs no other: the stream keeps order, so what the broker
 * said before it did that call has been heard before the call returned.)
 *
 * Our hands on the stand-in are a descriptor of our own for it, so that the
 * number, which a program may close and open again, never means another file.
 */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api.h"
#include "wire/list.h"
#include "sockbroker.h"
#include "sockbroker/v1/broker.pb-c.h"
#include "table.h"

struct direction {
	struct rpc_async async; /* first: it is how done() finds us */
	struct watch *watch;
	short event;            /* POLLIN or POLLOUT */
	bool wanted;
	bool armed;             /* a Poll is under way */
};

struct watch {
	struct sb_sock *sock;   /* whose we are */
	int hand;               /* the stand-in, by a number of our own */
	pthread_mutex_t lock;
	pthread_cond_t disarmed;
	struct direction in, out;
	bool stopped, hung_up;
};

/* ------------------------------------------------------------------------ */
/* What the stand-in shows                                                  */
/* ------------------------------------------------------------------------ */

static void drain(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static void fill(int fd)
{
	static const char bytes[1024];

	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
}

static void show(struct watch *w, short event)
{
	if (event == POLLIN)
		(void)send(w->sock->other_end, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		drain(w->sock->other_end);
}

static void hide(struct watch *w, short event)
{
	if (event == POLLIN)
		drain(w->hand);
	else
		fill(w->hand);
}

static void hang_up(struct watch *w)
{
	w->hung_up = true;
	drain(w->sock->other_end); /* and so writable */
	shutdown(w->sock->other_end, SHUT_RDWR);
}

/* ------------------------------------------------------------------------ */
/* Waiting for the socket                                                   */
/* ------------------------------------------------------------------------ */

static uint32_t asks_for(short events)
{
	return (uint32_t)events | (events & POLLIN ? POLLRDHUP : 0);
}

/* Lock held. */
static void arm(struct direction *d)
{
	Sockbroker__V1__PollRequest request = SOCKBROKER__V1__POLL_REQUEST__INIT;
	uint32_t handle = d->watch->sock->handle;
	uint32_t events = asks_for(d->event);

	request.n_handles = request.n_events = 1;
	request.handles = &handle;
	request.events = &events;
	d->armed = rpc_start(d->watch->sock->broker, &request.base, &d->async) == 0;
	if (!d->armed)
		hang_up(d->watch);
}

static bool is_stream(int type)
{
	return type == SOCK_STREAM || type == SOCK_SEQPACKET;
}

/* Has it a peer that hung up, or never had one? TCP shows POLLHUP for both. */
static bool is_final(const struct watch *w, uint32_t revents)
{
	return (revents & POLLHUP) && (revents & POLLIN) && (revents & POLLRDHUP) &&
	       !(revents & POLLERR) && is_stream(w->sock->type);
}

static void show_revents(struct direction *d, uint32_t revents)
{
	if ((revents & POLLNVAL) || is_final(d->watch, revents))
		hang_up(d->watch);
	else
		show(d->watch, d->event);
}

static void take_reply(struct direction *d, int error, const ProtobufCMessage *message)
{
	const Sockbroker__V1__PollReply *reply = (const Sockbroker__V1__PollReply *)message;
	struct watch *w = d->watch;

	if (rpc_has_ended(w->sock->broker) || error == -EBADF)
		hang_up(w);
	else if (error || !reply || reply->n_revents != 1)
		show(w, d->event); /* a limit, perhaps: let a call tell, and try again */
	else
		show_revents(d, reply->revents[0]);
}

static void poll_done(struct rpc_async *async, int error, const ProtobufCMessage *message)
{
	struct direction *d = container_of(async, struct direction, async);
	struct watch *w = d->watch;

	pthread_mutex_lock(&w->lock);
	d->armed = false;
	if (d->wanted && !w->stopped && !w->hung_up)
		take_reply(d, error, message);
	if (!d->armed)
		pthread_cond_broadcast(&w->disarmed);
	pthread_mutex_unlock(&w->lock);
}

/* Lock held. */
static void rearm(struct direction *d)
{
	if (!d->wanted || d->armed || d->watch->hung_up || d->watch->stopped)
		return;
	hide(d->watch, d->event);
	arm(d);
}

void watch_again(struct sb_sock *s, short events)
{
	struct watch *w = atomic_load_explicit(&s->watch, memory_order_acquire);

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	if (events & POLLIN)
		rearm(&w->in);
	if (events & POLLOUT)
		rearm(&w->out);
	pthread_mutex_unlock(&w->lock);
}

/* ------------------------------------------------------------------------ */
/* Beginning and end                                                        */
/* ------------------------------------------------------------------------ */

static void direction_init(struct direction *d, struct watch *w, short event)
{
	d->watch = w;
	d->event = event;
	d->async.done = poll_done;
}

static struct watch *watch_new(struct sb_sock *s, int fd)
{
	static const int least;
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->hand = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (w->hand < 0) {
		free(w);
		return NULL;
	}
	/* The least that the kernel allows: little memory lies full. */
	(void)setsockopt(w->hand, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	w->sock = s;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->disarmed, NULL);
	direction_init(&w->in, w, POLLIN);
	direction_init(&w->out, w, POLLOUT);
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	pthread_cond_destroy(&w->disarmed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void watch_stop(struct sb_sock *s)
{
	struct watch *w = atomic_load(&s->watch);

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopped = true;
	if (w->in.armed)
		rpc_cancel(s->broker, w->in.async.id);
	if (w->out.armed)
		rpc_cancel(s->broker, w->out.async.id);
	while (w->in.armed || w->out.armed)
		pthread_cond_wait(&w->disarmed, &w->lock);
	if (w->hand >= 0)
		close(w->hand);
	w->hand = -1;
	pthread_mutex_unlock(&w->lock);
}

/* What there is at this moment, so that who asks the stand-in right after sb_watch() is told. 0
 * may mean that the broker could not be asked. */
static uint32_t ready_now(struct sb_sock *s, short events)
{
	Sockbroker__V1__PollRequest request = SOCKBROKER__V1__POLL_REQUEST__INIT;
	const Sockbroker__V1__PollReply *reply;
	uint32_t asked = asks_for(events), revents = 0;
	struct reply out;

	request.n_handles = request.n_events = 1;
	request.handles = &s->handle;
	request.events = &asked;
	request.timeout_case = SOCKBROKER__V1__POLL_REQUEST__TIMEOUT_TIMEOUT_NS;
	reply_init(&out);
	if (rpc_call(s->broker, &request.base, &out) == 0) {
		reply = (const Sockbroker__V1__PollReply *)out.message;
		revents = reply->n_revents ? reply->revents[0] : 0;
	}
	reply_free(&out);
	return revents;
}

/* Lock held. @revents: what there is. */
static void direction_want(struct direction *d, bool wanted, uint32_t revents)
{
	const bool begins = wanted && !d->wanted;
	const uint32_t signs = asks_for(d->event) | POLLERR | POLLHUP | POLLNVAL;

	d->wanted = wanted;
	if (begins && (revents & signs) && !d->armed && !d->watch->hung_up) {
		hide(d->watch, d->event);
		show_revents(d, revents);
	} else if (begins) {
		rearm(d);
	} else if (!wanted && !d->watch->hung_up) {
		hide(d->watch, d->event);
	}
}

static int watch_begin(struct sb_sock *s, int fd, struct watch **ret)
{
	struct watch *w = atomic_load(&s->watch), *nothing = NULL;

	if (!w) {
		w = watch_new(s, fd);
		if (!w)
			return -ENOMEM;
		if (!atomic_compare_exchange_strong(&s->watch, &nothing, w)) {
			close(w->hand);
			watch_free(w);
			w = nothing; /* another thread was first */
		}
	}
	*ret = w;
	return 0;
}

static bool begins_anything(struct watch *w, short events)
{
	bool begins;

	pthread_mutex_lock(&w->lock);
	begins = ((events & POLLIN) && !w->in.wanted) || ((events & POLLOUT) && !w->out.wanted);
	pthread_mutex_unlock(&w->lock);
	return begins;
}

static int watch_set(struct sb_sock *s, int fd, short events)
{
	struct watch *w = atomic_load(&s->watch);
	uint32_t revents;
	int r;

	if (events & ~(POLLIN | POLLOUT))
		return -EINVAL;
	if ((!events && !w) || sock_is_real(s)) /* which the kernel shows as it is */
		return 0;
	r = watch_begin(s, fd, &w);
	if (r < 0)
		return r;
	revents = begins_anything(w, events) ? ready_now(s, events) : 0;
	pthread_mutex_lock(&w->lock);
	direction_want(&w->in, events & POLLIN, revents);
	direction_want(&w->out, events & POLLOUT, revents);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

int sb_watch(int fd, short events)
{
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	return (int)api_done(__func__, s, watch_set(s, fd, events));
}
