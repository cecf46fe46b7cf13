/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/offers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "ops/sock.h"
#include "wire/list.h"

struct entry {
	struct list link;        /* by time: the oldest first */
	unsigned char secret[OFFER_SECRET_BYTES];
	pid_t pid;
	uint64_t until_ns;
	struct offer offer;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list entries = { &entries, &entries };

/* ---- holders ------------------------------------------------------------------- */

struct holders *holders_new(void)
{
	struct holders *h = malloc(sizeof(*h));

	if (!h)
		return NULL;
	*h = (struct holders){ .foreign = false };
	atomic_init(&h->n, 1);
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

struct holders *holders_ref(struct holders *h)
{
	atomic_fetch_add_explicit(&h->n, 1, memory_order_relaxed);
	return h;
}

bool holders_unref(struct holders *h)
{
	const bool last = !h || atomic_fetch_sub(&h->n, 1) == 1;

	if (h && last) {
		pthread_mutex_destroy(&h->lock);
		free(h);
	}
	return last;
}

int offer_begin(struct offer *o, uid_t uid, const struct limits *limits)
{
	struct account *account = account_get(uid);

	if (!account)
		return -ENOMEM;
	if (!account_take(&account->sockets, 1, limits->sockets)) {
		account_put(account);
		return -EMFILE;
	}
	o->account = account;
	return 0;
}

/* What others hold lingers as they want. */
static bool is_theirs(const struct offer *o)
{
	bool foreign = o->foreign;

	if (!o->holders || foreign)
		return foreign;
	pthread_mutex_lock(&o->holders->lock);
	foreign = o->holders->foreign;
	pthread_mutex_unlock(&o->holders->lock);
	return foreign;
}

void offer_end(struct offer *o)
{
	const bool theirs = is_theirs(o), last = holders_unref(o->holders);

	if (o->capture_fd >= 0)
		crew_close(o->account, o->capture_fd, false);
	if (o->fd >= 0 && last && o->may_linger && !theirs)
		fd_disarm_linger(o->fd);
	if (o->fd >= 0 && (theirs || o->file || o->family == AF_UNIX || family_is_slow(o->family))) {
		crew_close(o->account, o->fd, true);
	} else {
		if (o->fd >= 0)
			close(o->fd);
		account_give(&o->account->sockets, 1);
	}
	account_put(o->account);
}

/* ---- tokens --------------------------------------------------------------------- */

static void token_write(const unsigned char *secret, char token[OFFER_TOKEN_BYTES])
{
	for (size_t i = 0; i < OFFER_SECRET_BYTES; i++)
		snprintf(token + 2 * i, 3, "%02x", secret[i]);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool token_read(const char *token, unsigned char *secret)
{
	if (strnlen(token, OFFER_TOKEN_BYTES) != OFFER_TOKEN_BYTES - 1)
		return false;
	for (size_t i = 0; i < OFFER_SECRET_BYTES; i++) {
		const int high = digit(token[2 * i]), low = digit(token[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		secret[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* How long it takes tells nothing of how much of it is right. */
static bool same_secret(const unsigned char *a, const unsigned char *b)
{
	unsigned char differ = 0;

	for (size_t i = 0; i < OFFER_SECRET_BYTES; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

/* ---- the table; all with the lock held -------------------------------------------- */

static bool has_room(uid_t uid)
{
	unsigned all = 0, own = 0;

	for (struct list *l = entries.next; l != &entries; l = l->next, all++)
		own += container_of(l, struct entry, link)->offer.account->uid == uid;
	return all < OFFERS_MAX && own < OFFERS_OF_ONE;
}

/* Looks at all of them, whichever it is. */
static struct entry *find(const unsigned char *secret, bool direct, uid_t uid)
{
	struct entry *found = NULL;

	for (struct list *l = entries.next; l != &entries; l = l->next) {
		struct entry *e = container_of(l, struct entry, link);

		if (same_secret(e->secret, secret) && e->offer.account->uid == uid &&
		    e->offer.direct == direct)
			found = e;
	}
	return found;
}

static void take_old(uint64_t now_ns, struct list *ret)
{
	while (!list_empty(&entries)) {
		struct entry *e = container_of(entries.next, struct entry, link);

		if (e->until_ns > now_ns)
			return;
		list_remove(&e->link);
		list_append(ret, &e->link);
	}
}

/* ---- from outside -------------------------------------------------------------------- */

int offers_add(const struct offer *offer, pid_t pid, uint64_t now_ns, char token[OFFER_TOKEN_BYTES])
{
	struct entry *e = malloc(sizeof(*e));
	bool room;

	if (!e)
		return -ENOMEM;
	*e = (struct entry){ .pid = pid, .until_ns = now_ns + OFFER_SECONDS * NS_PER_S, .offer = *offer };
	if (getrandom(e->secret, sizeof(e->secret), 0) != sizeof(e->secret)) {
		free(e);
		return -EIO;
	}
	token_write(e->secret, token);
	pthread_mutex_lock(&lock);
	room = has_room(offer->account->uid);
	if (room)
		list_append(&entries, &e->link);
	pthread_mutex_unlock(&lock);
	if (!room)
		free(e);
	return room ? 0 : -EMFILE;
}

int offers_take(const char *token, bool direct, uid_t uid, pid_t pid, uint64_t now_ns,
		struct offer *ret)
{
	unsigned char secret[OFFER_SECRET_BYTES];
	struct entry *e;
	int r = -ENOENT;

	if (!token_read(token, secret))
		return r;
	pthread_mutex_lock(&lock);
	e = find(secret, direct, uid);
	if (e && e->until_ns > now_ns)
		r = e->pid && e->pid != pid ? -EACCES : 0;
	if (r == 0)
		list_remove(&e->link);
	pthread_mutex_unlock(&lock);
	if (r < 0)
		return r;
	*ret = e->offer;
	free(e);
	return 0;
}

void offers_expire(uint64_t now_ns)
{
	struct list old;

	list_init(&old);
	pthread_mutex_lock(&lock);
	take_old(now_ns, &old);
	pthread_mutex_unlock(&lock);
	while (!list_empty(&old)) {
		struct entry *e = container_of(old.next, struct entry, link);

		list_remove(&e->link);
		offer_end(&e->offer);
		free(e);
	}
}

uint64_t offers_next(void)
{
	uint64_t next = UINT64_MAX;

	pthread_mutex_lock(&lock);
	if (!list_empty(&entries))
		next = container_of(entries.next, struct entry, link)->until_ns;
	pthread_mutex_unlock(&lock);
	return next;
}
