/* SPDX-License-Identifier: Apache-2.0 */
#include "core/workers.h"

#include <pthread.h>
#include <stdlib.h>

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list queue;
	bool ending;
	unsigned n;
	pthread_t threads[];
};

static struct job *next_job(struct workers *w)
{
	struct job *j = NULL;

	pthread_mutex_lock(&w->lock);
	while (list_empty(&w->queue) && !w->ending)
		pthread_cond_wait(&w->more, &w->lock);
	if (!list_empty(&w->queue)) {
		j = container_of(w->queue.next, struct job, link);
		list_remove(&j->link);
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

struct workers *workers_new(unsigned threads)
{
	struct workers *w = calloc(1, sizeof(*w) + threads * sizeof(w->threads[0]));

	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	list_init(&w->queue);
	for (; w->n < threads; w->n++)
		if (pthread_create(&w->threads[w->n], NULL, worker_run, w) != 0)
			break;
	return w->n ? w : workers_free(w);
}

struct workers *workers_free(struct workers *w)
{
	if (!w)
		return NULL;

	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}

void workers_add(struct workers *w, struct job *j)
{
	pthread_mutex_lock(&w->lock);
	list_append(&w->queue, &j->link);
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
}
