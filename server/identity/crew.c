/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "identity/account.h"
#include "sandbox/privileges.h"

enum { CREW_OF_ONE = 4, IDLE_SECONDS = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t fewer = PTHREAD_COND_INITIALIZER;
static struct list crews = { &crews, &crews };
static unsigned n_threads;
static bool ending;

void crew_init(struct crew *w)
{
	pthread_condattr_t by_our_clock;

	*w = (struct crew){ .n_threads = 0 };
	list_init(&w->queue);
	list_init(&w->in_crews);
	pthread_condattr_init(&by_our_clock);
	pthread_condattr_setclock(&by_our_clock, CLOCK_MONOTONIC);
	pthread_cond_init(&w->more, &by_our_clock);
	pthread_condattr_destroy(&by_our_clock);
}

void crew_done(struct crew *w)
{
	pthread_cond_destroy(&w->more);
}

/* ---- a thread; with the lock held ------------------------------------------------ */

static struct timespec after(uint64_t ns)
{
	const uint64_t when = clock_now_ns() + ns;

	return (struct timespec){ .tv_sec = (time_t)(when / NS_PER_S), .tv_nsec = (long)(when % NS_PER_S) };
}

/* Returns whether there is some. */
static bool await_work(struct crew *w)
{
	const struct timespec until = after(IDLE_SECONDS * NS_PER_S);
	int r = 0;

	w->n_idle++;
	while (list_empty(&w->queue) && !ending && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&w->more, &lock, &until);
	w->n_idle--;
	return !list_empty(&w->queue);
}

static void thread_gone(struct crew *w)
{
	if (--w->n_threads == 0)
		list_remove(&w->in_crews);
	n_threads--;
	pthread_cond_signal(&fewer);
}

static void *crew_run(void *account)
{
	struct account *a = account;
	struct crew *w = &a->crew;

	privileges_lower(); /* who made this thread may have been in the middle of something */
	pthread_mutex_lock(&lock);
	while (await_work(w)) {
		struct job *j = container_of(w->queue.next, struct job, link);

		list_remove(&j->link);
		w->n_queued--;
		pthread_mutex_unlock(&lock);
		j->run(j);
		pthread_mutex_lock(&lock);
	}
	thread_gone(w);
	pthread_mutex_unlock(&lock);
	account_put(a);
	return NULL;
}

static void add_thread(struct account *a)
{
	struct crew *w = &a->crew;
	pthread_attr_t detached;
	pthread_t thread;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	account_ref(a);
	if (pthread_create(&thread, &detached, crew_run, a) == 0) {
		if (w->n_threads++ == 0)
			list_append(&crews, &w->in_crews);
		n_threads++;
	} else {
		account_put(a); /* who is there does it, or the next that can be made */
	}
	pthread_attr_destroy(&detached);
}

/* ---- from outside ------------------------------------------------------------------ */

void crew_add(struct account *a, struct job *j)
{
	struct crew *w = &a->crew;

	pthread_mutex_lock(&lock);
	list_append(&w->queue, &j->link);
	w->n_queued++;
	if (w->n_queued > w->n_idle && w->n_threads < CREW_OF_ONE)
		add_thread(a);
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&lock);
}

bool crews_end(unsigned patience_ms)
{
	struct timespec until;
	bool all;

	clock_gettime(CLOCK_REALTIME, &until); /* the clock of `fewer` */
	until.tv_sec += patience_ms / 1000 + 1;
	pthread_mutex_lock(&lock);
	ending = true;
	for (struct list *l = crews.next; l != &crews; l = l->next)
		pthread_cond_broadcast(&container_of(l, struct crew, in_crews)->more);
	while (n_threads && pthread_cond_timedwait(&fewer, &lock, &until) == 0)
		;
	all = n_threads == 0;
	ending = false;
	pthread_mutex_unlock(&lock);
	return all;
}

/* ---- closing ------------------------------------------------------------------------- */

struct closing {
	struct job job;
	struct account *account;
	int fd;
};

static void closing_run(struct job *job)
{
	struct closing *c = container_of(job, struct closing, job);

	close(c->fd);
	account_give(&c->account->sockets_closing, 1);
	account_give(&c->account->sockets, 1);
	account_put(c->account);
	free(c);
}

void crew_close(struct account *account, int fd, bool counted)
{
	struct closing *c = malloc(sizeof(*c));

	if (!counted)
		(void)account_take(&account->sockets, 1, UINT64_MAX);
	if (!c) {
		close(fd);
		account_give(&account->sockets, 1);
		return;
	}
	*c = (struct closing){ .job = { .run = closing_run }, .account = account_ref(account), .fd = fd };
	(void)account_take(&account->sockets_closing, 1, UINT64_MAX);
	crew_add(account, &c->job);
}
