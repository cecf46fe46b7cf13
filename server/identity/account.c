/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/account.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct account *accounts;

static struct account *account_new(uid_t uid)
{
	struct account *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->uid = uid;
	crew_init(&a->crew);
	a->next = accounts;
	accounts = a;
	return a;
}

struct account *account_get(uid_t uid)
{
	struct account *a;

	pthread_mutex_lock(&lock);
	for (a = accounts; a && a->uid != uid; a = a->next)
		;
	if (!a)
		a = account_new(uid);
	if (a)
		a->refs++;
	pthread_mutex_unlock(&lock);
	return a;
}

struct account *account_ref(struct account *a)
{
	pthread_mutex_lock(&lock);
	a->refs++;
	pthread_mutex_unlock(&lock);
	return a;
}

struct account *account_put(struct account *a)
{
	struct account **link = &accounts;

	if (!a)
		return NULL;
	pthread_mutex_lock(&lock);
	if (--a->refs == 0) {
		while (*link != a)
			link = &(*link)->next;
		*link = a->next;
		crew_done(&a->crew);
		free(a);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

bool account_take(atomic_ullong *counter, uint64_t n, uint64_t limit)
{
	uint64_t before = atomic_fetch_add_explicit(counter, n, memory_order_relaxed);

	if (before + n <= limit)
		return true;
	account_give(counter, n);
	return false;
}

void account_give(atomic_ullong *counter, uint64_t n)
{
	atomic_fetch_sub_explicit(counter, n, memory_order_relaxed);
}
