/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops_share.c - sockets that pass to another session: Share, FromShare.
 *
 * The offer is a duplicate of the descriptor, so that neither the handle nor the
 * session need last. Whoever takes it may be on another shard: there the
 * description is another descriptor in another epoll, and no lock is shared.
 */
#include "ops/ops.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "call/shard.h"
#include "core/clock.h"
#include "ops/capture.h"
#include "ops/offers.h"

/* ---- the time limit -------------------------------------------------------------- */

struct sweep {
	struct job job;
	struct timer timer;
	struct shard *shard;
};

static void sweep_due(struct timer *t);

/* close(2) may take its time. */
static void sweep_work(struct job *job)
{
	struct sweep *w = container_of(job, struct sweep, job);
	uint64_t next;
	int r;

	offers_expire(clock_now_ns());
	shard_enter(w->shard);
	next = offers_next();
	r = next == UINT64_MAX ? -ENOENT : timer_set(&w->shard->timers, &w->timer, next);
	if (r < 0)
		w->shard->sweep = NULL;
	shard_leave(w->shard);
	if (r < 0)
		free(w);
}

static void sweep_due(struct timer *t)
{
	struct sweep *w = container_of(t, struct sweep, timer);

	workers_add(w->shard->workers, &w->job);
}

/* From now on offers are looked at until there are none. */
static int sweep_begin(struct shard *sh, uint64_t when_ns)
{
	struct sweep *w = sh->sweep;
	int r;

	if (w)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct sweep){ .job = { .run = sweep_work }, .timer = { .expired = sweep_due }, .shard = sh };
	r = timer_set(&sh->timers, &w->timer, when_ns);
	if (r < 0)
		free(w);
	else
		sh->sweep = w;
	return r;
}

/* ---- Share ------------------------------------------------------------------------- */

static int duplicate(int fd)
{
	const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? -errno : copy;
}

static int offer_descriptors(const struct sock *s, struct offer *o)
{
	o->fd = duplicate(s->watch.fd);
	o->capture_fd = -1;
	if (o->fd < 0)
		return o->fd;
	if (!s->capture)
		return 0;
	o->capture_ifindex = s->capture->ifindex;
	o->capture_mode = s->capture->mode;
	o->capture_fd = duplicate(s->capture->watch.fd);
	return o->capture_fd < 0 ? o->capture_fd : 0;
}

/* Returns 0, and the offer is to be ended. */
static int offer_make(struct sock *s, const struct session *by, struct offer *o)
{
	if (!s->holders)
		s->holders = holders_new();
	if (!s->holders)
		return -ENOMEM;
	*o = (struct offer){ .family = s->family, .type = s->type, .protocol = s->protocol,
			     .foreign = s->foreign, .narrow = s->narrow, .may_linger = s->may_linger,
			     .receive_timeout_ns = s->receive_timeout_ns,
			     .send_timeout_ns = s->send_timeout_ns, .fd = -1, .capture_fd = -1 };
	o->account = account_get(by->account->uid);
	if (!o->account)
		return -ENOMEM;
	if (!account_take(&o->account->sockets, 1, by->limits.sockets)) {
		account_put(o->account);
		return -EMFILE;
	}
	o->holders = holders_ref(s->holders);
	return 0;
}

int share_attempt(struct call *c)
{
	const Sockbroker__V1__ShareRequest *req = REQUEST(c, Share);
	const uint64_t now = clock_now_ns();
	struct sock *s = c->sock;
	struct offer offer;
	char *token = arena_alloc(&c->arena, OFFER_TOKEN_BYTES);
	int r;

	if (!token || req->pid < 0)
		return token ? -EINVAL : -ENOMEM;
	if (!list_empty(&s->returned) || s->held_error)
		return -EBUSY;
	r = offer_make(s, c->session, &offer);
	if (r < 0)
		return r;
	r = offer_descriptors(s, &offer);
	if (r == 0)
		r = sweep_begin(c->session->shard, now + OFFER_SECONDS * NS_PER_S);
	if (r == 0)
		r = offers_add(&offer, req->pid, now, token);
	if (r < 0)
		offer_end(&offer);
	else
		REPLY(c, Share)->token = token;
	return r;
}

/* ---- FromShare ----------------------------------------------------------------------- */

/* Who guesses is to be noticed. */
static void note_failure(const struct call *c, int error)
{
	const struct session *s = c->session;
	unsigned dropped;

	if (!log_may(&s->shard->audit, &dropped))
		return;
	if (dropped)
		log_line(LOG_LEVEL_WARNING, "%u more lines were not logged", dropped);
	log_line(LOG_LEVEL_WARNING, "no socket for that token: %s; user %u, process %d, session %llu",
		 error == -EACCES ? "it is another process's" : "unknown, used, or too old",
		 (unsigned)s->peer->subject.uid, (int)s->peer->pid, (unsigned long long)s->number);
}

/* Takes what the sock takes of the offer: the rest is to be ended. */
static int adopt(struct call *c, struct offer *o)
{
	const Sockbroker__V1__FromShareRequest *req = REQUEST(c, FromShare);
	struct sock like = { .family = o->family, .type = o->type, .protocol = o->protocol,
			     .foreign = o->foreign, .narrow = o->narrow, .may_linger = o->may_linger,
			     .receive_timeout_ns = o->receive_timeout_ns,
			     .send_timeout_ns = o->send_timeout_ns };
	Sockbroker__V1__FromShareReply *rep = REPLY(c, FromShare);
	struct sock *s;
	int r = add_sock(c, o->fd, &like, req->new_handle, &rep->handle);

	o->fd = -1;
	if (r < 0)
		return r;
	s = handles_find(&c->session->handles, rep->handle);
	s->holders = holders_ref(o->holders);
	rep->family = o->family;
	rep->type = o->type;
	rep->protocol = o->protocol;
	return 0;
}

static int adopt_capture(struct call *c, struct offer *o)
{
	struct sock *s = handles_find(&c->session->handles, REPLY(c, FromShare)->handle);
	struct capture *cap;

	if (!account_take(&c->session->account->sockets, 1, c->session->limits.sockets))
		return -EMFILE;
	cap = capture_new(o->capture_fd, o->family, o->capture_ifindex, o->capture_mode);
	if (!cap) {
		account_give(&c->session->account->sockets, 1);
		return -ENOMEM;
	}
	o->capture_fd = -1;
	sock_add_capture(s, cap);
	return 0;
}

int from_share_attempt(struct call *c)
{
	const Sockbroker__V1__FromShareRequest *req = REQUEST(c, FromShare);
	const struct peer *peer = c->session->peer;
	struct offer offer;
	int r = may_add_sock(c->session, req->new_handle);

	if (r < 0)
		return r;
	r = offers_take(req->token, peer->subject.uid, peer->pid, clock_now_ns(), &offer);
	if (r < 0) {
		note_failure(c, r);
		return r;
	}
	r = adopt(c, &offer);
	if (r == 0 && offer.capture_fd >= 0) {
		r = adopt_capture(c, &offer);
		if (r < 0)
			sock_unpublish(c->session, REPLY(c, FromShare)->handle);
	}
	offer_end(&offer);
	return r;
}
