/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.c - the thread that called is deaf to signals while we wait for it, since the filter is
 * WAIT_KILLABLE_RECV (without that, a signal would end the call at any point of our work, and it
 * would be done twice). So we look at its pending signals, every 10 ms as long as few
 * wait, and answer as the kernel would:
 *
 * -ERESTARTSYS, which the kernel makes a restart or EINTR of as the handler's SA_RESTART says, where
 * it is certain that the thread will handle a signal on its way back: the signal is its own, or
 * the process has one thread, or it is the main thread, which the kernel has chosen if it
 * could. Without a signal that number would reach the program. For another thread of several,
 * -EINTR, when the signal has been there twice: else another thread takes it.
 */
#include "wait.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "call.h"
#include "outgoing.h"
#include "run.h"
#include "target.h"

enum { ERESTARTSYS = 512, LOOK_MS = 10, LOOK_MS_MAX = 100 };

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int waits_init(struct waits *w, int epoll)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = w };
	int r;

	*w = (struct waits){ .epoll = epoll };
	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->timer < 0)
		return -errno;
	r = epoll_ctl(epoll, EPOLL_CTL_ADD, w->timer, &event) < 0 ? -errno : 0;
	if (r < 0)
		close(w->timer);
	else
		pthread_mutex_init(&w->lock, NULL);
	return r;
}

static void unlist(struct waits *w, struct call *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	w->n--;
}

static void list(struct waits *w, struct call *c)
{
	c->next = w->first;
	c->link = &w->first;
	if (c->next)
		c->next->link = &c->next;
	w->first = c;
	w->n++;
}

void waits_end(struct waits *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->first) {
		struct call *c = w->first;

		unlist(w, c);
		call_free(c);
	}
	pthread_mutex_unlock(&w->lock);
}

static void ring_in(struct waits *w, int64_t ns)
{
	const struct itimerspec when = { .it_value = { .tv_sec = ns / 1000000000,
						       .tv_nsec = ns % 1000000000 } };

	(void)timerfd_settime(w->timer, 0, &when, NULL);
}

static int64_t look_interval_ns(const struct waits *w)
{
	const int ms = w->n < LOOK_MS ? LOOK_MS : w->n < LOOK_MS_MAX ? w->n : LOOK_MS_MAX;

	return (int64_t)ms * 1000000;
}

/* Returns false if it cannot be watched; then it is still the caller's. */
static bool park(struct waits *w, struct call *c)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT, .data.ptr = c };
	bool watched;

	c->deadline_ns = c->timeout_ns ? now_ns() + c->timeout_ns : INT64_MAX;
	pthread_mutex_lock(&w->lock);
	watched = c->by_clock || epoll_ctl(w->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0;
	if (watched) {
		list(w, c);
		/* A signal may be there already. */
		ring_in(w, c->timeout_ns && c->timeout_ns < 1000000 ? c->timeout_ns : 1000000);
	}
	pthread_mutex_unlock(&w->lock);
	return watched;
}

struct answer wait_for(struct call *c)
{
	const long r = c->attempt(c);

	if (r != -EAGAIN)
		return answer_value(r);
	if (!c->blocking)
		return answer_value(c->late);
	return park(&c->run->waits, c) ? answer_later() : answer_value(-ENOBUFS);
}

/* The call is over: it is in no list any more. */
static void finish(struct waits *w, struct call *c, long result)
{
	/* The description lives on in the program, so closing ours would not end the watch. */
	(void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	if (c->outgoing) /* interrupted, or too late: what has gone counts */
		result = outgoing_result(c->outgoing, result);
	call_answer(c, answer_value(result));
	call_free(c);
}

void waits_ready(struct waits *w, struct call *c)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT, .data.ptr = c };
	const bool valid = call_is_valid(c);
	const long r = valid ? c->attempt(c) : -ESRCH;

	if (r == -EAGAIN && epoll_ctl(w->epoll, EPOLL_CTL_MOD, c->fd, &event) == 0)
		return;
	pthread_mutex_lock(&w->lock);
	unlist(w, c);
	pthread_mutex_unlock(&w->lock);
	finish(w, c, r);
}

/* 0: no signal; else what the call is answered. */
static long interruption(struct call *c)
{
	/* What a call with a time limit says, which cannot go on: socket(7). */
	const long own = c->timeout_ns ? -EINTR : -ERESTARTSYS;
	struct target_status status;
	uint64_t heard;

	if (target_status(c->tid, &status) < 0)
		return 0;
	heard = ~status.blocked & ~status.ignored;
	if (status.pending & ~status.blocked)
		return own;
	if (!(status.shared_pending & heard)) {
		c->signals_seen = 0;
		return 0;
	}
	if (status.threads == 1 || c->tid == status.tgid)
		return own;
	return ++c->signals_seen > 1 ? -EINTR : 0;
}

/* True: it is over, by @ret. */
static bool is_over(struct call *c, int64_t now, long *ret)
{
	if (!call_is_valid(c)) {
		*ret = -ESRCH;
		return true;
	}
	if (now >= c->deadline_ns) {
		*ret = c->late;
		return true;
	}
	if (c->by_clock) {
		*ret = c->attempt(c);
		if (*ret != -EAGAIN)
			return true;
	}
	*ret = interruption(c);
	return *ret != 0;
}

void waits_look(struct waits *w)
{
	const int64_t now = now_ns();
	struct call *over = NULL, *next;
	int64_t soonest;
	uint64_t rung;

	(void)!read(w->timer, &rung, sizeof(rung));
	pthread_mutex_lock(&w->lock);
	soonest = look_interval_ns(w);
	for (struct call *c = w->first; c; c = next) {
		long r;

		next = c->next;
		if (is_over(c, now, &r)) {
			unlist(w, c);
			c->next = over;
			c->late = (int)r;
			over = c;
		} else if (c->deadline_ns - now < soonest) {
			soonest = c->deadline_ns - now;
		}
	}
	if (w->first)
		ring_in(w, soonest);
	pthread_mutex_unlock(&w->lock);
	for (; over; over = next) {
		next = over->next;
		finish(w, over, over->late);
	}
}
