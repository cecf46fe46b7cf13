/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk.c - the thread of the descriptor socket.
 *
 * Each packet is answered at once and in turn, so a connection has no state but its peer. Nothing
 * here waits for a client: one that does not read finds its connection ended, since its
 * socket's buffer is kept small (what is in it holds descriptors). The connections stand in the order
 * of their last packet; one timer, for the first of them, ends those that are idle, and offers
 * whose time is up.
 */
#include "tickets/desk.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/poller.h"
#include "identity/door.h"
#include "identity/peer.h"
#include "tickets/brief_close.h"
#include "tickets/given.h"
#include "tickets/packet.h"

enum {
	CLIENTS_MAX = 1024, CLIENTS_OF_ONE = 64, IDLE_SECONDS = 10, LINES_PER_SECOND = 20,
	BUFFER_BYTES = 8192, /* a few packets */
};

struct desk {
	struct door door;
	struct poller poller;
	struct watch at_door, alarm;
	struct list clients;     /* who was heard of longest ago first */
	unsigned n_clients;
	struct log_limit audit;
	timer_t brief;
	pthread_t thread;
	bool running;
	sem_t begun;             /* from here on … */
	int started;             /* … this is known: 0 or -errno */
	pthread_mutex_t lock;    /* of the two below */
	struct policy *policy;
	bool ending;
};

struct client {
	struct watch watch;
	struct list link;
	struct desk *desk;
	struct peer *peer;
	struct account *account;
	uint64_t idle_ns;        /* when it is to go */
};

static void complain(struct desk *d, const struct peer *peer, const char *what)
{
	unsigned dropped;

	if (!log_may(&d->audit, &dropped))
		return;
	if (dropped)
		log_line(LOG_LEVEL_WARNING, "%u more lines about descriptors were not logged", dropped);
	log_line(LOG_LEVEL_WARNING, "descriptor socket: %s; user %u, process %d", what,
		 peer ? (unsigned)peer->subject.uid : 0, peer ? (int)peer->pid : 0);
}

static struct policy *policy_now(struct desk *d)
{
	struct policy *p;

	pthread_mutex_lock(&d->lock);
	p = policy_ref(d->policy);
	pthread_mutex_unlock(&d->lock);
	return p;
}

/* ---- the clock ----------------------------------------------------------------- */

static void set_alarm(struct desk *d)
{
	uint64_t next = offers_next();
	struct itimerspec when = { 0 };

	if (!list_empty(&d->clients)) {
		const struct client *first = container_of(d->clients.next, struct client, link);

		next = first->idle_ns < next ? first->idle_ns : next;
	}
	if (next == UINT64_MAX)
		return; /* it may ring once more, in vain */
	when.it_value.tv_sec = (time_t)(next / NS_PER_S);
	when.it_value.tv_nsec = (long)(next % NS_PER_S);
	(void)timerfd_settime(d->alarm.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void client_end(struct client *c)
{
	struct desk *d = c->desk;

	list_remove(&c->link);
	d->n_clients--;
	watch_close(&d->poller, &c->watch);
	crew_close(c->account, take_fd(&c->watch.fd), false); /* with what lies in it unread */
	c->account = account_put(c->account);
	c->peer = peer_unref(c->peer);
}

static void alarm_ready(struct watch *w, uint32_t events)
{
	struct desk *d = container_of(w, struct desk, alarm);
	const uint64_t now = clock_now_ns();
	uint64_t expirations;

	(void)events;
	(void)!read(w->fd, &expirations, sizeof(expirations));
	while (!list_empty(&d->clients)) {
		struct client *first = container_of(d->clients.next, struct client, link);

		if (first->idle_ns > now)
			break;
		client_end(first);
	}
	offers_expire(now);
	set_alarm(d);
}

static void heard_of(struct client *c)
{
	struct desk *d = c->desk;

	list_remove(&c->link);
	c->idle_ns = clock_now_ns() + IDLE_SECONDS * NS_PER_S;
	list_append(&d->clients, &c->link);
}

/* ---- answers ------------------------------------------------------------------- */

static int answer(const struct client *c, int error, const char *ticket, int fd)
{
	return packet_send(c->watch.fd, error, ticket, fd);
}

static int take(struct client *c, const char *ticket)
{
	const struct peer *p = c->peer;
	struct offer offer;
	int r = offers_take(ticket, true, p->subject.uid, p->pid, clock_now_ns(), &offer);

	if (r < 0) {
		complain(c->desk, p, "no descriptor for that ticket: unknown, used, or too old");
		return answer(c, r, NULL, -1);
	}
	r = answer(c, 0, ticket, offer.fd);
	if (!offer.file)
		brief_close(c->desk->brief, take_fd(&offer.fd));
	offer_end(&offer);
	return r < 0 ? r : answer(c, 0, ticket, -1);
}

static int may_give_files(struct client *c, const struct policy *policy)
{
	const struct intent asked = { .action = ACTION_FILES };
	const int r = policy_judge(policy, &c->peer->subject, &asked, NULL, 0).error;

	if (r < 0)
		complain(c->desk, c->peer, "denied: files");
	return r;
}

/* Takes @fd, on success. */
static int offer_given(struct client *c, int fd, char ticket[OFFER_TOKEN_BYTES])
{
	const struct subject *subject = &c->peer->subject;
	struct policy *policy = policy_now(c->desk);
	const struct limits limits = policy_limits(policy, subject);
	struct offer offer = { .fd = -1, .capture_fd = -1, .foreign = true, .may_linger = true };
	int r = given_look(fd, &offer);

	if (r == 0 && offer.file)
		r = may_give_files(c, policy);
	policy_unref(policy);
	if (r == 0)
		r = offer_begin(&offer, subject->uid, &limits);
	if (r < 0)
		return r;
	offer.holders = holders_new();
	offer.fd = fd;
	r = offer.holders ? offers_add(&offer, 0, clock_now_ns(), ticket) : -ENOMEM;
	if (r < 0) {
		offer.fd = -1;
		offer_end(&offer);
	}
	return r;
}

static int give(struct client *c, struct brought *b)
{
	char ticket[OFFER_TOKEN_BYTES];
	int r = b->n_fds == 1 && !b->other ? offer_given(c, b->fds[0], ticket) : -EINVAL;

	if (r == 0)
		b->n_fds = 0;
	return answer(c, r, r == 0 ? ticket : NULL, -1);
}

/* ---- packets ------------------------------------------------------------------- */

/* close(2) may wait for whoever sent them. */
static void drop(const struct client *c, struct brought *b)
{
	while (b->n_fds)
		crew_close(c->account, b->fds[--b->n_fds], false);
}

/* Returns 0, or -errno: the connection is to end. */
static int serve(struct client *c)
{
	uint8_t packet[TICKET_BYTES_MAX];
	struct ticket_request request;
	struct brought brought;
	const ssize_t n = packet_receive(c->watch.fd, packet, &brought);
	int r = n > 0 ? ticket_request_read(packet, (size_t)n, &request) : n < 0 ? (int)n : -EPIPE;

	if (n <= 0 || r < 0) {
		if (n > 0)
			(void)answer(c, r, NULL, -1);
	} else if (request.give) {
		r = give(c, &brought);
	} else if (brought.n_fds || brought.other) {
		r = -EBADMSG;
		(void)answer(c, r, NULL, -1);
	} else {
		r = take(c, request.take);
	}
	drop(c, &brought);
	return r;
}

static void client_ready(struct watch *w, uint32_t events)
{
	struct client *c = container_of(w, struct client, watch);
	struct desk *d = c->desk;
	const int r = serve(c);

	(void)events;
	if (r == 0)
		heard_of(c);
	else if (r != -EAGAIN)
		client_end(c);
	set_alarm(d);
}

static void client_release(struct watch *w)
{
	free(container_of(w, struct client, watch));
}

/* ---- the door -------------------------------------------------------------------- */

static unsigned clients_of(const struct desk *d, uid_t uid)
{
	unsigned n = 0;

	for (const struct list *l = d->clients.next; l != &d->clients; l = l->next)
		n += container_of(l, struct client, link)->peer->subject.uid == uid;
	return n;
}

static const char *why_not(struct desk *d, const struct peer *peer)
{
	struct policy *policy = policy_now(d);
	const bool known = policy_knows(policy, &peer->subject);
	const uint32_t limit = policy_limits(policy, &peer->subject).connections;

	policy_unref(policy);
	if (!known)
		return "no rule is for this user";
	if (d->n_clients >= CLIENTS_MAX)
		return "too many connections";
	return clients_of(d, peer->subject.uid) >= (limit < CLIENTS_OF_ONE ? limit : CLIENTS_OF_ONE)
		? "too many connections of this user" : NULL;
}

/* Takes all three, on success. */
static int admit(struct desk *d, int fd, struct peer *peer, struct account *account)
{
	const int bytes = BUFFER_BYTES;
	struct client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct client){ .watch = { .fd = fd, .ready = client_ready, .release = client_release },
			      .desk = d, .peer = peer, .account = account,
			      .idle_ns = clock_now_ns() + IDLE_SECONDS * NS_PER_S };
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	r = watch_arm(&d->poller, &c->watch, EPOLLIN);
	if (r < 0) {
		free(c);
		return r;
	}
	list_append(&d->clients, &c->link);
	d->n_clients++;
	set_alarm(d);
	return 0;
}

/* Whoever it is may have sent something already: what closes it may wait for him. */
static void come_in(struct desk *d, int fd)
{
	struct account *account;
	struct peer *peer;
	const char *why;

	if (peer_identify(fd, &peer) < 0) {
		complain(d, NULL, "the kernel does not say who it is");
		close(fd);
		return;
	}
	account = account_get(peer->subject.uid);
	why = account ? why_not(d, peer) : "memory is out";
	if (!why && admit(d, fd, peer, account) == 0)
		return;
	complain(d, peer, why ? why : "memory or descriptors are out");
	if (account)
		crew_close(account, fd, false);
	else
		close(fd);
	account_put(account);
	peer_unref(peer);
}

static void door_ready(struct watch *w, uint32_t events)
{
	struct desk *d = container_of(w, struct desk, at_door);
	int fd;

	(void)events;
	while ((fd = door_accept(&d->door)) >= 0)
		come_in(d, fd);
	if (fd == -EMFILE)
		complain(d, NULL, "descriptors are out");
}

/* ---- the thread -------------------------------------------------------------------- */

static bool is_ending(struct desk *d)
{
	bool ending;

	pthread_mutex_lock(&d->lock);
	ending = d->ending;
	pthread_mutex_unlock(&d->lock);
	return ending;
}

static void *desk_run(void *desk)
{
	struct desk *d = desk;
	struct poller_batch batch;

	d->started = brief_close_begin(&d->brief);
	sem_post(&d->begun);
	while (d->started == 0 && !is_ending(d)) {
		poller_wait(&d->poller, &batch);
		poller_dispatch(&d->poller, &batch);
	}
	while (!list_empty(&d->clients))
		client_end(container_of(d->clients.next, struct client, link));
	if (d->started == 0)
		brief_close_end(d->brief);
	return NULL;
}

struct desk *desk_open(const char *beside, unsigned mode, char *error, size_t size)
{
	struct desk *d = calloc(1, sizeof(*d));
	char address[sizeof(d->door.path) + 16];
	int r;

	if (!d) {
		snprintf(error, size, "memory is out");
		return NULL;
	}
	r = snprintf(address, sizeof(address), "%s.fd", beside);
	if (r >= (int)sizeof(address))
		r = -ENAMETOOLONG;
	if (r >= 0)
		r = door_open(&d->door, address, SOCK_SEQPACKET, mode, error, size);
	else
		snprintf(error, size, "cannot listen beside '%s': the path is too long", beside);
	if (r < 0) {
		free(d);
		return NULL;
	}
	list_init(&d->clients);
	d->audit = (struct log_limit){ .per_second = LINES_PER_SECOND };
	d->alarm.fd = -1;
	d->poller.epoll_fd = -1;
	pthread_mutex_init(&d->lock, NULL);
	sem_init(&d->begun, 0, 0);
	return d;
}

int desk_start(struct desk *d, struct policy *policy)
{
	int r = poller_init(&d->poller);

	if (r < 0) {
		d->poller.epoll_fd = -1;
		return r;
	}
	d->policy = policy_ref(policy);
	d->at_door = (struct watch){ .fd = d->door.fd, .ready = door_ready };
	d->alarm = (struct watch){ .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
				   .ready = alarm_ready };
	r = d->alarm.fd < 0 ? -errno : watch_arm(&d->poller, &d->alarm, EPOLLIN);
	if (r == 0)
		r = watch_arm(&d->poller, &d->at_door, EPOLLIN);
	if (r == 0)
		r = -pthread_create(&d->thread, NULL, desk_run, d);
	d->running = r == 0;
	if (r < 0)
		return r;
	while (sem_wait(&d->begun) < 0)
		;
	return d->started;
}

void desk_set_policy(struct desk *d, struct policy *policy)
{
	pthread_mutex_lock(&d->lock);
	policy_unref(d->policy);
	d->policy = policy_ref(policy);
	pthread_mutex_unlock(&d->lock);
}

struct desk *desk_close(struct desk *d)
{
	if (!d)
		return NULL;
	if (d->running) {
		pthread_mutex_lock(&d->lock);
		d->ending = true;
		pthread_mutex_unlock(&d->lock);
		poller_wake(&d->poller);
		pthread_join(d->thread, NULL);
	}
	door_close(&d->door);
	if (d->alarm.fd >= 0)
		close(d->alarm.fd);
	if (d->poller.epoll_fd >= 0)
		poller_done(&d->poller);
	policy_unref(d->policy);
	pthread_mutex_destroy(&d->lock);
	sem_destroy(&d->begun);
	free(d);
	return NULL;
}
