/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c - the life of a call: see the drawing in call.h.
 *
 * A call that must wait is a waiter in its socket's queue, and the socket is
 * watched for what its oldest waiters want. When the socket is ready the same
 * attempt is made again, with nothing changed but what the operation keeps as
 * progress in call->state.
 *
 * epoll(7) does not know everything: a unix socket's connect(2) to a full
 * backlog, or a peek that waits for more than there is, find the socket ready and
 * are told EAGAIN. Such a call is taken off the watch and tried again by
 * the clock, at growing intervals: it asked for it (call->retry_ns), or it was
 * woken in vain a few times.
 */
#include "call/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call/charge.h"
#include "call/errand.h"
#include "call/judge.h"
#include "call/shard.h"
#include "core/clock.h"
#include "ops/op.h"
#include "sandbox/privileges.h"

enum {
	SPURIOUS_MAX = 3,
	RETRY_FIRST_NS = 1 * NS_PER_MS,
	RETRY_LAST_NS = 64 * NS_PER_MS,
};

static struct shard *shard_of(const struct call *c)
{
	return c->session->shard;
}

static void call_expired(struct timer *t);
static void call_go(struct call *c);
static int call_find_sock(struct call *c);
static struct list *call_queue(const struct call *c);

struct call *call_new(struct session *session)
{
	struct call *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	memset(c, 0, offsetof(struct call, arena));
	arena_init(&c->arena);
	c->session = session_ref(session);
	c->deadline_ns = UINT64_MAX;
	c->may_wait = true;
	c->timer.expired = call_expired;
	c->wait.call = c;
	list_init(&c->wait.link);
	list_init(&c->in_session);
	list_init(&c->held);
	return c;
}

int call_set_op(struct call *c, const struct op *op, ProtobufCMessage *request)
{
	const ProtobufCMessageDescriptor *d = op_layout(op)->reply;

	c->op = op;
	c->request = request;
	c->reply = arena_alloc(&c->arena, d->sizeof_message);
	if (!c->reply)
		return -ENOMEM;
	protobuf_c_message_init(d, c->reply);
	return 0;
}

void call_free(struct call *c)
{
	for (struct passing *p = c->passing; p; p = p->next)
		sock_unref(p->sock);
	errand_free(c->errand);
	sock_unref(c->sock);
	session_unref(c->session);
	arena_reset(&c->arena);
	free(c);
}

/* ---- the end ------------------------------------------------------------ */

/* Who was behind it in the queue is first now, and may want what it did not. */
static void call_unpark(struct call *c)
{
	const struct list *queue = c->n_waiters && c->waiters == &c->wait ? call_queue(c) : NULL;

	for (size_t i = 0; i < c->n_waiters; i++)
		list_remove(&c->waiters[i].link);
	c->n_waiters = 0;
	if (queue && !list_empty(queue))
		sock_want(c->sock, container_of(queue->next, struct waiter, link)->events);
	timer_clear(&shard_of(c)->timers, &c->timer);
}

/* Poll's waiters hold their sockets; the embedded one is the call's own. */
static void call_drop_waiters(struct call *c)
{
	size_t n = c->n_waiters;

	call_unpark(c);
	if (!c->waiters || c->waiters == &c->wait)
		return;
	for (size_t i = 0; i < n; i++)
		sock_unref(c->waiters[i].sock);
}

void call_finish(struct call *c, int error)
{
	struct session *s = c->session;
	struct call *next = c->chained;

	call_drop_waiters(c);
	errand_leave(c);
	list_remove(&c->held);
	list_remove(&c->in_session);
	call_uncharge(c);
	c->error = error;
	c->chained = NULL;
	*(int *)(void *)((char *)c->reply + op_layout(c->op)->error_offset) = -error;
	if (s->last == c) {
		s->last = NULL;
		s->last_error = error;
	}
	if (c->after)
		c->after->chained = NULL;
	if (next) {
		next->after = NULL;
		next->error = error ? -ECANCELED : 0;
		list_append(&shard_of(c)->runnable, &next->held);
	}
	c->done(c);
}

void call_resume(struct call *c)
{
	int r = c->error;

	if (r == 0 && !c->sock)
		r = call_find_sock(c);
	if (r < 0)
		call_finish(c, r);
	else
		call_go(c);
}

static int call_time_up(struct call *c, int error)
{
	return c->op->finish ? c->op->finish(c, error) : error;
}

bool call_cancel(struct call *c)
{
	if (c->offloaded)
		return false; /* it ends by itself, with what it did */
	call_finish(c, call_time_up(c, -ECANCELED));
	return true;
}

void call_abandon(struct call *c)
{
	if (c->chained)
		c->chained->after = NULL;
	c->chained = NULL;
	if (!c->offloaded)
		call_finish(c, -ECANCELED);
}

/* ---- waiting ------------------------------------------------------------ */

/* The kernel's three words for "ask again when the socket is ready". */
static bool not_yet(int r)
{
	return r == -EAGAIN || r == -EINPROGRESS || r == -EALREADY;
}

static struct list *call_queue(const struct call *c)
{
	if (!c->sock)
		return NULL;
	if (c->op->waits_for == EPOLLIN)
		return &c->sock->receivers;
	return c->op->waits_for == EPOLLOUT ? &c->sock->senders : NULL;
}

static int call_set_timer(struct call *c)
{
	uint64_t when = c->deadline_ns;

	if (c->retry_ns && clock_now_ns() + c->retry_ns < when)
		when = clock_now_ns() + c->retry_ns;
	if (when == UINT64_MAX)
		return 0;
	return timer_set(&shard_of(c)->timers, &c->timer, when);
}

/* Returns 0 and keeps the call, or -errno. */
static int call_park(struct call *c, int why)
{
	struct list *queue = call_queue(c);
	int r = call_charge(c);

	if (r == 0)
		r = call_set_timer(c);
	if (r < 0)
		return r;

	if (!c->not_yet)
		c->not_yet = why;
	if (c->errand)
		return errand_begin(c->errand);
	if (queue) {
		c->waiters = &c->wait;
		c->n_waiters = 1;
		c->wait.sock = c->sock;
		c->wait.events = c->retry_ns ? 0 : c->op->waits_for;
		list_append(queue, &c->wait.link);
		if (queue->next == &c->wait.link)
			sock_want(c->sock, c->wait.events);
		return 0;
	}
	for (size_t i = 0; i < c->n_waiters; i++) {
		struct waiter *w = &c->waiters[i];

		list_append(&w->sock->pollers, &w->link);
		sock_want(w->sock, w->events);
	}
	return 0;
}

static void call_settle(struct call *c, int r)
{
	if (not_yet(r) && c->may_wait && c->session->open) {
		r = call_park(c, r);
		if (r == 0)
			return;
		r = call_time_up(c, r); /* what was moved so far is not lost */
	} else if (not_yet(r)) {
		r = call_time_up(c, r);
	}
	call_finish(c, r);
}

/* Woken, and told "not yet" again. */
static void call_wait_on(struct call *c)
{
	if (!c->retry_ns && call_queue(c) && ++c->spurious >= SPURIOUS_MAX)
		c->retry_ns = RETRY_FIRST_NS;
	if (!c->retry_ns)
		return;

	c->wait.events = 0;
	if (call_set_timer(c) < 0)
		call_finish(c, call_time_up(c, -ENOMEM));
	else if (c->retry_ns < RETRY_LAST_NS)
		c->retry_ns *= 2;
}

static void call_expired(struct timer *t)
{
	struct call *c = container_of(t, struct call, timer);

	if (clock_now_ns() >= c->deadline_ns)
		call_finish(c, call_time_up(c, c->not_yet));
	else
		(void)call_retry(c);
}

/* ---- door 3: what may block --------------------------------------------- */

static void call_work(struct job *job)
{
	struct call *c = container_of(job, struct call, job);
	struct shard *sh = shard_of(c);
	int r;

	if (c->verdict.lends)
		privileges_raise(c->verdict.lends);
	r = c->op->work(c);
	if (c->verdict.lends)
		privileges_lower();

	shard_enter(sh);
	c->offloaded = false;
	c->sock->busy = NULL;
	list_splice(&sh->runnable, &c->sock->held);
	if (c->worked)
		c->worked(c, r);
	call_settle(c, r);
	shard_leave(sh);
}

static void call_offload(struct call *c)
{
	int r = call_charge(c);

	call_unpark(c);
	if (r < 0) {
		if (c->worked)
			c->worked(c, r);
		call_finish(c, call_time_up(c, r));
		return;
	}
	c->offloaded = true;
	c->sock->busy = c;
	c->job.run = call_work;
	if (c->aside)
		crew_add(c->session->account, &c->job);
	else
		workers_add(shard_of(c)->workers, &c->job);
}

/* ---- trying ------------------------------------------------------------- */

static int call_attempt(struct call *c)
{
	int r;

	if (!c->verdict.lends)
		return c->op->attempt(c);
	privileges_raise(c->verdict.lends);
	r = c->op->attempt(c);
	privileges_lower();
	return r;
}

bool call_retry(struct call *c)
{
	int r = call_attempt(c);

	if (r == CALL_OFFLOAD) {
		call_offload(c);
		return true;
	}
	if (not_yet(r)) {
		call_wait_on(c);
		return false;
	}
	call_finish(c, r);
	return true;
}

/* Behind an older waiter there is no point in trying: calls that wait on one
 * socket finish in the order they came. Bytes of a stream must not overtake
 * either; datagrams to somebody else may. */
static bool call_must_queue(const struct call *c)
{
	const struct list *queue = call_queue(c);

	if (!queue || list_empty(queue))
		return false;
	if (c->op->waits_for == EPOLLOUT)
		return c->sock->type == SOCK_STREAM || c->sock->type == SOCK_SEQPACKET;
	return c->may_wait;
}

static void call_run(struct call *c)
{
	int r = -EAGAIN;

	if (c->op->waits_for == EPOLLIN && c->session->congested && !c->may_wait)
		r = -ENOBUFS;
	else if (!(c->op->waits_for == EPOLLIN && c->session->congested) && !call_must_queue(c))
		r = call_attempt(c);

	if (r == CALL_OFFLOAD)
		call_offload(c);
	else
		call_settle(c, r);
}

/* ---- the beginning ------------------------------------------------------ */

/* The earlier of what the request and what the socket's options say. */
static void call_set_deadline(struct call *c)
{
	const ProtobufCFieldDescriptor *f = op_layout(c->op)->timeout;
	const char *request = (const char *)c->request;
	uint64_t limit_ns = UINT64_MAX, now = clock_now_ns();

	if (f && *(const uint32_t *)(const void *)(request + f->quantifier_offset) == f->id)
		limit_ns = *(const uint64_t *)(const void *)(request + f->offset);
	if (limit_ns == 0)
		c->may_wait = false;
	if (c->sock && c->op->waits_for == EPOLLIN && c->sock->receive_timeout_ns)
		limit_ns = limit_ns < c->sock->receive_timeout_ns ? limit_ns : c->sock->receive_timeout_ns;
	if (c->sock && c->op->waits_for == EPOLLOUT && c->sock->send_timeout_ns)
		limit_ns = limit_ns < c->sock->send_timeout_ns ? limit_ns : c->sock->send_timeout_ns;
	if (limit_ns < UINT64_MAX - now)
		c->deadline_ns = now + limit_ns;
}

static void call_go(struct call *c)
{
	int r;

	if (c->sock && c->sock->busy) {
		r = call_charge(c);
		if (r == 0) {
			list_append(&c->sock->held, &c->held);
			return;
		}
		if (!op_must_run(c->op)) {
			call_finish(c, r);
			return;
		}
	}
	call_set_deadline(c);
	if (c->sock) {
		c->intent.family = c->sock->family;
		c->intent.type = c->sock->type;
		c->intent.protocol = c->sock->protocol;
	}
	r = c->sock && c->sock->file && !op_takes_files(c->op) ? -ENOTSOCK : c->op->intent(c);
	if (r == 0)
		r = call_judge(c);
	if (r < 0)
		call_finish(c, r);
	else
		call_run(c);
}

static int call_find_sock(struct call *c)
{
	const ProtobufCFieldDescriptor *f = op_layout(c->op)->handle;
	uint32_t number;

	if (!f)
		return 0;
	number = *(const uint32_t *)(const void *)((const char *)c->request + f->offset);
	c->sock = handles_find(&c->session->handles, number);
	if (!c->sock)
		return -EBADF;
	sock_ref(c->sock);
	return 0;
}

void call_start(struct call *c, bool linked)
{
	struct session *s = c->session;
	struct call *before = s->last;
	bool streamed = c->id != 0;
	int r = 0;

	s->operations++;
	s->shard->operations++;
	list_append(&s->calls, &c->in_session);
	if (streamed)
		s->last = c;
	if (linked && before) {
		r = call_charge(c);
		if (r < 0)
			call_finish(c, r);
		else {
			before->chained = c;
			c->after = before;
		}
		return;
	}
	if (linked && s->last_error)
		r = -ECANCELED;
	else
		r = call_find_sock(c);
	if (r < 0)
		call_finish(c, r);
	else
		call_go(c);
}

void call_refuse(struct call *c, int error)
{
	list_append(&c->session->calls, &c->in_session);
	call_finish(c, error);
}
