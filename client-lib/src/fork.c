/* SPDX-License-Identifier: Apache-2.0 */
#include "fork.h"

#include <pthread.h>
#include <stdatomic.h>

#include "rpc_private.h"
#include "table.h"

static struct list brokers = { &brokers, &brokers };
static pthread_mutex_t brokers_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t handlers_once = PTHREAD_ONCE_INIT;
static atomic_bool is_child;

/* The list and the table must be whole when the child reads them. */
static void before_fork(void)
{
	pthread_mutex_lock(&brokers_lock);
	table_lock();
}

static void after_fork_parent(void)
{
	table_unlock();
	pthread_mutex_unlock(&brokers_lock);
}

static void after_fork_child(void)
{
	for (struct list *l = brokers.next; l != &brokers; l = l->next)
		rpc_forget(container_of(l, struct sb_broker, link));
	list_init(&brokers);
	atomic_store(&is_child, true);
	table_unlock();
	pthread_mutex_unlock(&brokers_lock);
}

static void handlers_install(void)
{
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

bool fork_is_child(void)
{
	return atomic_load_explicit(&is_child, memory_order_relaxed);
}

void fork_register(struct list *link)
{
	pthread_once(&handlers_once, handlers_install);
	pthread_mutex_lock(&brokers_lock);
	list_append(&brokers, link);
	pthread_mutex_unlock(&brokers_lock);
}

void fork_unregister(struct list *link)
{
	pthread_mutex_lock(&brokers_lock);
	list_remove(link);
	pthread_mutex_unlock(&brokers_lock);
}
