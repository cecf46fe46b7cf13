/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_wait.c - sb_poll().
 *
 * Ordinary descriptors are the kernel's to wait for, brokered ones the
 * broker's, a Poll request for each broker concerned.
 *
 *   only ordinary            poll(2)
 *   only one broker's        its Poll, with the time limit
 *   mixed                    everybody is asked without waiting. If there is
 *                            nothing yet: a Poll at each broker without a limit, whose
 *                            reply writes an eventfd that stands in poll(2)'s set,
 *                            with the limit. Then the Polls that are still under way
 *                            are cancelled and waited for; what they say counts too.
 *
 * poll(2) takes nothing from a descriptor, so nothing is lost by asking twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api.h"
#include "deadline.h"
#include "fork.h"
#include "interrupt.h"
#include "wire/list.h"
#include "sockbroker.h"

enum { HANDLES_MOST = 65536 };

/* The part of the set that one broker sees to. */
struct share {
	struct rpc_async async; /* first */
	struct wait *wait;
	struct sb_broker *broker;
	struct pollfd *fds;     /* the program's */
	Sockbroker__V1__PollRequest request;
	uint32_t *places;       /* where in fds each handle stands */
	bool running;           /* under way, guarded by wait.lock */
	int error;
	size_t count;           /* of revents that are not 0 */
};

struct wait {
	struct pollfd *fds;
	nfds_t n;
	struct sb_sock **socks;  /* as many; NULL: not brokered */
	struct pollfd *ordinary; /* n + 1: the last is the eventfd */
	nfds_t n_ordinary;       /* how many of them are not -1 */
	struct share *shares;
	size_t n_shares;
	struct arena arena;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	int wake;                /* eventfd, or -1 */
};

/* ------------------------------------------------------------------------ */
/* Sorting the set                                                          */
/* ------------------------------------------------------------------------ */

static struct share *share_of(struct wait *w, struct sb_broker *broker)
{
	for (size_t i = 0; i < w->n_shares; i++)
		if (w->shares[i].broker == broker)
			return &w->shares[i];
	return NULL;
}

static int share_new(struct wait *w, struct sb_broker *broker, struct share **ret)
{
	struct share *more = arena_alloc(&w->arena, (w->n_shares + 1) * sizeof(*more));
	struct share *s;

	if (!more)
		return -ENOMEM;
	if (w->n_shares)
		memcpy(more, w->shares, w->n_shares * sizeof(*more));
	w->shares = more;
	s = &more[w->n_shares++];
	memset(s, 0, sizeof(*s));
	s->wait = w;
	s->broker = broker;
	s->fds = w->fds;
	sockbroker__v1__poll_request__init(&s->request);
	s->request.handles = arena_alloc(&w->arena, w->n * sizeof(uint32_t));
	s->request.events = arena_alloc(&w->arena, w->n * sizeof(uint32_t));
	s->places = arena_alloc(&w->arena, w->n * sizeof(uint32_t));
	*ret = s;
	return s->request.handles && s->request.events && s->places ? 0 : -ENOMEM;
}

static int share_add(struct wait *w, nfds_t place, const struct sb_sock *sock)
{
	struct share *s = share_of(w, sock->broker);
	size_t k;
	int r;

	if (!s) {
		r = share_new(w, sock->broker, &s);
		if (r < 0)
			return r;
	}
	k = s->request.n_handles;
	if (k == HANDLES_MOST)
		return -EINVAL;
	s->request.handles[k] = sock->handle;
	s->request.events[k] = (uint16_t)w->fds[place].events;
	s->places[k] = (uint32_t)place;
	s->request.n_handles = s->request.n_events = k + 1;
	return 0;
}

/* Everything is either the kernel's, a broker's, or not there (-1). */
static int sort(struct wait *w)
{
	int r = 0;

	for (nfds_t i = 0; i < w->n && r == 0; i++) {
		const int fd = w->fds[i].fd;

		w->fds[i].revents = 0;
		w->ordinary[i] = w->fds[i];
		if (fd < 0)
			continue;
		if (fork_is_child() && table_has(fd)) {
			w->fds[i].revents = POLLNVAL;
			w->ordinary[i].fd = -1;
		} else if (!fork_is_child() && table_has(fd) && table_get(fd, &w->socks[i]) == 0) {
			w->ordinary[i].fd = -1;
			r = share_add(w, i, w->socks[i]);
		} else {
			w->n_ordinary++;
		}
	}
	w->ordinary[w->n].fd = -1;
	return r;
}

/* ------------------------------------------------------------------------ */
/* Asking                                                                   */
/* ------------------------------------------------------------------------ */

static void share_set_timeout(struct share *s, int64_t wait_ns)
{
	s->request.timeout_case = SOCKBROKER__V1__POLL_REQUEST__TIMEOUT__NOT_SET;
	if (wait_ns >= 0) {
		s->request.timeout_case = SOCKBROKER__V1__POLL_REQUEST__TIMEOUT_TIMEOUT_NS;
		s->request.timeout_ns = (uint64_t)wait_ns;
	}
}

/* A broker that has gone has hung up on all its sockets. */
static void share_set_gone(struct share *s)
{
	for (size_t i = 0; i < s->request.n_handles; i++)
		s->fds[s->places[i]].revents = POLLERR | POLLHUP;
	s->count = s->request.n_handles;
}

static int share_take(struct share *s, int error, const ProtobufCMessage *message)
{
	const Sockbroker__V1__PollReply *reply = (const Sockbroker__V1__PollReply *)message;

	if (rpc_has_ended(s->broker)) {
		share_set_gone(s);
		return 0;
	}
	if (error == -ECANCELED)
		return 0;
	if (error)
		return error;
	if (!reply || (reply->n_revents && reply->n_revents != s->request.n_handles))
		return -EPROTO;
	for (size_t i = 0; i < reply->n_revents; i++) {
		s->fds[s->places[i]].revents = (short)reply->revents[i];
		s->count += reply->revents[i] != 0;
	}
	return 0;
}

static int share_ask(struct share *s, int64_t wait_ns)
{
	struct reply reply;
	int r;

	share_set_timeout(s, wait_ns);
	reply_init(&reply);
	r = rpc_call(s->broker, &s->request.base, &reply);
	r = share_take(s, r, reply.message);
	reply_free(&reply);
	return r;
}

static void share_done(struct rpc_async *async, int error, const ProtobufCMessage *reply)
{
	struct share *s = container_of(async, struct share, async);
	struct wait *w = s->wait;
	const uint64_t one = 1;

	pthread_mutex_lock(&w->lock);
	s->error = share_take(s, error, reply);
	s->running = false;
	(void)!write(w->wake, &one, sizeof(one));
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->lock);
}

static int shares_start(struct wait *w)
{
	int r = 0;

	for (size_t i = 0; i < w->n_shares && r == 0; i++) {
		struct share *s = &w->shares[i];

		share_set_timeout(s, -1);
		s->async.done = share_done;
		pthread_mutex_lock(&w->lock);
		r = rpc_start(s->broker, &s->request.base, &s->async);
		s->running = r == 0;
		if (r == -EPIPE)
			r = share_take(s, r, NULL);
		pthread_mutex_unlock(&w->lock);
	}
	return r;
}

static int shares_finish(struct wait *w)
{
	int error = 0;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->n_shares; i++)
		if (w->shares[i].running)
			rpc_cancel(w->shares[i].broker, w->shares[i].async.id);
	for (size_t i = 0; i < w->n_shares; i++) {
		while (w->shares[i].running)
			pthread_cond_wait(&w->ended, &w->lock);
		if (w->shares[i].error)
			error = w->shares[i].error;
	}
	pthread_mutex_unlock(&w->lock);
	return error;
}

static bool shares_have_some(struct wait *w)
{
	bool some = false;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->n_shares; i++)
		some = some || w->shares[i].count;
	pthread_mutex_unlock(&w->lock);
	return some;
}

/* ------------------------------------------------------------------------ */
/* Waiting                                                                  */
/* ------------------------------------------------------------------------ */

static int poll_ordinary(struct wait *w, int64_t wait_ns)
{
	struct patience patience;

	patience_begin(&patience, deadline_of(wait_ns));
	return patience_poll(&patience, w->ordinary, w->n + 1);
}

static int wait_mixed(struct wait *w, int64_t wait_ns)
{
	int r, finished;

	for (size_t i = 0; i < w->n_shares; i++) {
		r = share_ask(&w->shares[i], 0);
		if (r < 0)
			return r;
	}
	r = poll_ordinary(w, 0);
	if (r != 0 || shares_have_some(w) || wait_ns == 0)
		return r;

	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake < 0)
		return -errno;
	w->ordinary[w->n] = (struct pollfd){ .fd = w->wake, .events = POLLIN };
	r = shares_start(w);
	if (r == 0 && !shares_have_some(w))
		r = poll_ordinary(w, wait_ns);
	finished = shares_finish(w);
	close(w->wake);
	return r < 0 ? r : finished;
}

/* Returns how many descriptors have something to show, or -errno. */
static int wait_run(struct wait *w, int64_t wait_ns)
{
	int r, count = 0;

	if (w->n_shares == 0)
		r = poll_ordinary(w, wait_ns);
	else if (w->n_shares == 1 && w->n_ordinary == 0)
		r = share_ask(&w->shares[0], wait_ns);
	else
		r = wait_mixed(w, wait_ns);
	if (r < 0)
		return r;
	for (nfds_t i = 0; i < w->n; i++) {
		if (w->ordinary[i].fd >= 0)
			w->fds[i].revents = w->ordinary[i].revents;
		count += w->fds[i].revents != 0;
	}
	return count;
}

static bool is_too_many(nfds_t n)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && n > limit.rlim_cur;
}

static int wait_init(struct wait *w)
{
	arena_init(&w->arena);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->ended, NULL);
	w->socks = arena_zalloc(&w->arena, w->n * sizeof(*w->socks));
	w->ordinary = arena_zalloc(&w->arena, (w->n + 1) * sizeof(*w->ordinary));
	return w->socks && w->ordinary ? 0 : -ENOMEM;
}

static void wait_end(struct wait *w)
{
	for (nfds_t i = 0; w->socks && i < w->n; i++)
		sock_put(w->socks[i]);
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->lock);
	arena_reset(&w->arena);
}

int sb_poll(struct pollfd *fds, nfds_t nfds, int timeout_ms)
{
	const int64_t wait_ns = timeout_ms < 0 ? -1 : (int64_t)timeout_ms * NS_PER_MS;
	struct wait w = { .fds = fds, .n = nfds, .wake = -1 };
	int r;

	if (nfds && !fds)
		return (int)api_local(__func__, -EFAULT);
	if (is_too_many(nfds))
		return (int)api_local(__func__, -EINVAL);
	r = wait_init(&w);
	if (r == 0)
		r = sort(&w);
	if (r == 0)
		r = wait_run(&w, wait_ns);
	wait_end(&w);
	return (int)error_return(__func__, ERROR_BROKER, r);
}
