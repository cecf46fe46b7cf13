/* SPDX-License-Identifier: Apache-2.0 */
#include "core/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "core/clock.h"

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t more, fewer;
	struct list queue;
	unsigned n_queued, n_idle;
	bool ending;
	unsigned n, most, n_ended;
	pthread_t threads[];
};

static struct job *next_job(struct workers *w)
{
	struct job *j = NULL;

	pthread_mutex_lock(&w->lock);
	w->n_idle++;
	while (list_empty(&w->queue) && !w->ending)
		pthread_cond_wait(&w->more, &w->lock);
	w->n_idle--;
	if (!list_empty(&w->queue)) {
		j = container_of(w->queue.next, struct job, link);
		list_remove(&j->link);
		w->n_queued--;
	}
	if (!j) {
		w->n_ended++;
		pthread_cond_signal(&w->fewer);
	}
	pthread_mutex_unlock(&w->lock);
	return j;
}

static void *worker_run(void *workers)
{
	struct job *j;

	while ((j = next_job(workers)))
		j->run(j);
	return NULL;
}

/* The lock held, or nobody else there. */
static void add_thread(struct workers *w)
{
	if (pthread_create(&w->threads[w->n], NULL, worker_run, w) == 0)
		w->n++;
}

struct workers *workers_new(unsigned threads)
{
	struct workers *w = calloc(1, sizeof(*w) + threads * sizeof(w->threads[0]));
	pthread_condattr_t by_our_clock;

	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	pthread_condattr_init(&by_our_clock);
	pthread_condattr_setclock(&by_our_clock, CLOCK_MONOTONIC);
	pthread_cond_init(&w->fewer, &by_our_clock);
	pthread_condattr_destroy(&by_our_clock);
	list_init(&w->queue);
	w->most = threads;
	add_thread(w);
	return w->n ? w : workers_free(w);
}

static void tell_to_end(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
}


struct workers *workers_free(struct workers *w)
{
	if (!w)
		return NULL;
	tell_to_end(w);
	for (unsigned i = 0; i < w->n; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->fewer);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}

static void drop_queue(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	while (!list_empty(&w->queue)) {
		struct job *j = container_of(w->queue.next, struct job, link);

		list_remove(&j->link);
		if (j->drop)
			j->drop(j);
	}
	w->n_queued = 0;
	pthread_mutex_unlock(&w->lock);
}

static bool await_all(struct workers *w, unsigned patience_ms)
{
	uint64_t until = clock_now_ns() + patience_ms * (uint64_t)NS_PER_MS;
	const struct timespec when = { .tv_sec = (time_t)(until / NS_PER_S),
				       .tv_nsec = (long)(until % NS_PER_S) };
	bool all;

	pthread_mutex_lock(&w->lock);
	while (w->n_ended < w->n)
		if (pthread_cond_timedwait(&w->fewer, &w->lock, &when) != 0)
			break;
	all = w->n_ended == w->n;
	pthread_mutex_unlock(&w->lock);
	return all;
}

bool workers_end(struct workers *w, unsigned patience_ms)
{
	if (!w)
		return true;
	drop_queue(w);
	tell_to_end(w);
	if (!await_all(w, patience_ms))
		return false;
	workers_free(w);
	return true;
}

void workers_add(struct workers *w, struct job *j)
{
	pthread_mutex_lock(&w->lock);
	list_append(&w->queue, &j->link);
	w->n_queued++;
	if (w->n_queued > w->n_idle && w->n < w->most)
		add_thread(w);
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
}
