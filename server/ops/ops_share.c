/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops_share.c - sockets that pass to another session: Share, FromShare.
 *
 * The offer is a duplicate of the descriptor, so that neither the handle nor the
 * session need last. Whoever takes it may be on another shard: there the
 * description is another descriptor in another epoll, and no lock is shared.
 */
#include "ops/ops.h"

#include "call/shard.h"
#include "core/clock.h"
#include "ops/capture.h"
#include "ops/offering.h"

/* ---- Share ------------------------------------------------------------------------- */

int share_attempt(struct call *c)
{
	const Sockbroker__V1__ShareRequest *req = REQUEST(c, Share);
	struct offer offer;
	char *token = arena_alloc(&c->arena, OFFER_TOKEN_BYTES);
	int r;

	if (!token || req->pid < 0)
		return token ? -EINVAL : -ENOMEM;
	r = offer_of_sock(c->sock, c->session, &offer);
	if (r < 0)
		return r;
	r = offers_add(&offer, req->pid, clock_now_ns(), token);
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
	struct sock like = { .file = o->file, .family = o->family, .type = o->type, .protocol = o->protocol,
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
	r = offers_take(req->token, false, peer->subject.uid, peer->pid, clock_now_ns(), &offer);
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
