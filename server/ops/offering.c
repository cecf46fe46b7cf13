/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/offering.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "call/shard.h"
#include "core/clock.h"
#include "identity/session.h"
#include "ops/capture.h"
#include "ops/sock.h"

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

/* ---- of a socket ------------------------------------------------------------------- */

static int duplicate(int fd)
{
	const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? -errno : copy;
}

static int offer_descriptors(const struct sock *s, struct offer *o)
{
	o->fd = duplicate(s->watch.fd);
	if (o->fd < 0)
		return o->fd;
	if (!s->capture)
		return 0;
	o->capture_ifindex = s->capture->ifindex;
	o->capture_mode = s->capture->mode;
	o->capture_fd = duplicate(s->capture->watch.fd);
	return o->capture_fd < 0 ? o->capture_fd : 0;
}

int offer_of_sock(struct sock *s, const struct session *by, struct offer *o)
{
	int r;

	if (!list_empty(&s->returned) || s->held_error)
		return -EBUSY;
	if (!s->holders)
		s->holders = holders_new();
	if (!s->holders)
		return -ENOMEM;
	*o = (struct offer){ .file = s->file, .family = s->family, .type = s->type, .protocol = s->protocol,
			     .foreign = s->foreign, .narrow = s->narrow, .may_linger = s->may_linger,
			     .receive_timeout_ns = s->receive_timeout_ns,
			     .send_timeout_ns = s->send_timeout_ns, .fd = -1, .capture_fd = -1 };
	r = offer_begin(o, by->account->uid, &by->limits);
	if (r < 0)
		return r;
	o->holders = holders_ref(s->holders);
	r = sweep_begin(by->shard, clock_now_ns() + OFFER_SECONDS * NS_PER_S);
	if (r == 0)
		r = offer_descriptors(s, o);
	if (r < 0)
		offer_end(o);
	return r;
}
