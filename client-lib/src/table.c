/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.c - the table is in two levels, so that it grows without moving: a
 * reader of one slot needs that slot's lock alone. Locks are shared by the
 * slots whose numbers are equal modulo LOCKS.
 *
 * A program may close(2) a stand-in, which it should not. We learn of it when
 * the number comes back: then the socket that was there is closed.
 */
#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fork.h"
#include "sockbroker/v1/broker.pb-c.h"
#include "watch.h"

enum { PAGE_SLOTS = 4096, PAGES = 4096, LOCKS = 8 };

typedef _Atomic(struct sb_sock *) table_slot;

static _Atomic(table_slot *) pages[PAGES];
static pthread_mutex_t locks[LOCKS] = {
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
};

static pthread_mutex_t *lock_of(int fd)
{
	return &locks[fd % LOCKS];
}

static table_slot *slot_find(int fd)
{
	table_slot *page;

	if (fd < 0 || fd >= PAGES * PAGE_SLOTS)
		return NULL;
	page = atomic_load_explicit(&pages[fd / PAGE_SLOTS], memory_order_acquire);
	return page ? &page[fd % PAGE_SLOTS] : NULL;
}

/* NULL when memory is out, or the number is beyond any sensible limit. */
static table_slot *slot_make(int fd)
{
	table_slot *page, *nothing = NULL;

	if (fd >= PAGES * PAGE_SLOTS)
		return NULL;
	if (atomic_load(&pages[fd / PAGE_SLOTS]))
		return slot_find(fd);
	page = calloc(PAGE_SLOTS, sizeof(*page));
	if (!page)
		return NULL;
	if (!atomic_compare_exchange_strong(&pages[fd / PAGE_SLOTS], &nothing, page))
		free(page);
	return slot_find(fd);
}

int standin_make(struct standin *s, int at_least)
{
	int pair[2], fd;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	*s = (struct standin){ .fd = pair[0], .other_end = pair[1] };
	if (s->fd >= at_least)
		return 0;

	fd = fcntl(s->fd, F_DUPFD_CLOEXEC, at_least);
	if (fd < 0) {
		const int r = -errno;

		standin_drop(s);
		return r;
	}
	close(s->fd);
	s->fd = fd;
	return 0;
}

void standin_drop(struct standin *s)
{
	close(s->fd);
	close(s->other_end);
}

static struct sb_sock *sock_new(int other_end, int real, const struct sock_birth *birth)
{
	struct sb_sock *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->broker = rpc_ref(birth->broker);
	s->handle = birth->handle;
	s->other_end = other_end;
	s->real = real;
	s->type = birth->type;
	s->family = birth->family;
	s->nonblocking = birth->nonblocking;
	s->timeout_ns = birth->timeout_ns;
	pthread_mutex_init(&s->sending.lock, NULL);
	pthread_mutex_init(&s->receiving.lock, NULL);
	return s;
}

static void sock_free(struct sb_sock *s)
{
	rpc_transfer_close(s->sending.transfer);
	rpc_transfer_close(s->receiving.transfer);
	pthread_mutex_destroy(&s->sending.lock);
	pthread_mutex_destroy(&s->receiving.lock);
	watch_free(atomic_load(&s->watch));
	if (s->other_end >= 0)
		close(s->other_end);
	rpc_unref(s->broker);
	free(s);
}

void sock_set_nonblocking(struct sb_sock *s, int fd, bool on)
{
	atomic_store(&s->nonblocking, on);
	(void)fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0);
}

void sock_put(struct sb_sock *s)
{
	if (s && atomic_fetch_sub(&s->refs, 1) == 1)
		sock_free(s);
}

/* What a child finds here of its parent's is not to be touched. */
static void end_stale(struct sb_sock *stale)
{
	if (!stale || (fork_is_child() && !sock_is_real(stale)))
		return;
	(void)sock_close(stale);
	sock_put(stale);
}

/* Returns @fd, -ENOMEM, -EMFILE. @other_end < 0: @fd is a real one. */
static int add(int fd, int other_end, const struct sock_birth *birth)
{
	table_slot *slot = slot_make(fd);
	struct sb_sock *s = slot ? sock_new(other_end, other_end < 0 ? fd : -1, birth) : NULL;
	struct sb_sock *stale;

	if (!s)
		return slot ? -ENOMEM : -EMFILE;
	pthread_mutex_lock(lock_of(fd));
	if (birth->nonblocking && !sock_is_real(s))
		sock_set_nonblocking(s, fd, true);
	stale = atomic_exchange(slot, s);
	pthread_mutex_unlock(lock_of(fd));
	end_stale(stale);
	return fd;
}

int table_add(struct standin *standin, const struct sock_birth *birth)
{
	const int fd = add(standin->fd, standin->other_end, birth);

	if (fd < 0)
		standin_drop(standin);
	return fd;
}

int table_attach(int fd, const struct sock_birth *birth)
{
	return add(fd, -1, birth);
}

int table_add_real(int fd, const struct sock_birth *birth)
{
	const int r = table_attach(fd, birth);

	if (r < 0)
		close(fd);
	return r;
}

static int no_socket(int fd)
{
	return fork_is_child() || fcntl(fd, F_GETFD) < 0 ? -EBADF : -ENOTSOCK;
}

/* To a child its parent's stand-ins are. */
static bool is_out_of_reach(const struct sb_sock *s)
{
	return fork_is_child() && !sock_is_real(s);
}

int table_get(int fd, struct sb_sock **ret)
{
	table_slot *slot = slot_find(fd);
	struct sb_sock *s;

	if (!slot)
		return no_socket(fd);

	pthread_mutex_lock(lock_of(fd));
	s = atomic_load(slot);
	if (s && is_out_of_reach(s))
		s = NULL;
	if (s)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(lock_of(fd));
	if (!s)
		return no_socket(fd);
	*ret = s;
	return 0;
}

int table_remove(int fd, struct sb_sock **ret)
{
	table_slot *slot = slot_find(fd);
	struct sb_sock *s;

	if (!slot)
		return no_socket(fd);

	pthread_mutex_lock(lock_of(fd));
	s = atomic_load(slot);
	if (s && is_out_of_reach(s))
		s = NULL;
	if (s)
		atomic_store(slot, NULL);
	pthread_mutex_unlock(lock_of(fd));
	if (!s)
		return no_socket(fd);
	*ret = s;
	return 0;
}

int table_replace(int fd, const struct sb_sock *s, int real)
{
	table_slot *slot = slot_find(fd);
	int r = -EBADF;

	if (!slot)
		return r;
	pthread_mutex_lock(lock_of(fd));
	if (atomic_load(slot) == s)
		r = dup3(real, fd, O_CLOEXEC) < 0 ? -errno : 0;
	if (r == 0)
		atomic_store(slot, NULL);
	pthread_mutex_unlock(lock_of(fd));
	return r;
}

bool table_has(int fd)
{
	table_slot *slot = slot_find(fd);
	bool has;

	if (!slot || !atomic_load(slot))
		return false;
	pthread_mutex_lock(lock_of(fd));
	has = atomic_load(slot) && !sock_is_real(atomic_load(slot));
	pthread_mutex_unlock(lock_of(fd));
	return has;
}

bool table_holds(const struct sb_sock *real)
{
	table_slot *slot = slot_find(real->real);

	return slot && atomic_load(slot) == real;
}

void table_lock(void)
{
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_lock(&locks[i]);
}

void table_unlock(void)
{
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_unlock(&locks[i]);
}

int64_t sock_wait_ns(const struct sb_sock *s, int flags)
{
	if ((flags & MSG_DONTWAIT) || atomic_load_explicit(&s->nonblocking, memory_order_relaxed))
		return 0;
	return atomic_load_explicit(&s->timeout_ns, memory_order_relaxed);
}

int handle_close(struct sb_broker *broker, uint32_t handle)
{
	Sockbroker__V1__CloseRequest request = SOCKBROKER__V1__CLOSE_REQUEST__INIT;
	int r;

	request.handle = handle;
	r = rpc_call(broker, &request.base, NULL);
	/* A broker that has gone has closed it. */
	return rpc_has_ended(broker) ? 0 : r;
}

int sock_close(struct sb_sock *s)
{
	if (sock_is_real(s))
		return 0;
	watch_stop(s);
	return handle_close(s->broker, s->handle);
}
