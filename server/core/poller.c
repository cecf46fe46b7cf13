/* SPDX-License-Identifier: Apache-2.0 */
#include "core/poller.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { GRAVES_BEFORE_WAKING = 64 };

static void wake_ready(struct watch *w, uint32_t events)
{
	uint64_t count;

	(void)events;
	(void)!read(w->fd, &count, sizeof(count));
}

int poller_init(struct poller *p)
{
	*p = (struct poller){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	if (p->epoll_fd < 0)
		return -errno;

	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake_fd < 0) {
		int r = -errno;

		close(p->epoll_fd);
		return r;
	}
	list_init(&p->graves);
	p->wake = (struct watch){ .fd = p->wake_fd, .ready = wake_ready };
	return watch_arm(p, &p->wake, EPOLLIN);
}

static void release_graves(struct poller *p)
{
	while (!list_empty(&p->graves)) {
		struct watch *w = container_of(p->graves.next, struct watch, grave);

		list_remove(&w->grave);
		w->release(w);
	}
	p->n_graves = 0;
}

void poller_done(struct poller *p)
{
	release_graves(p);
	close(p->wake_fd);
	close(p->epoll_fd);
}

int watch_arm(struct poller *p, struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };
	int op = EPOLL_CTL_MOD;

	if (events == w->armed)
		return 0;
	if (!w->armed)
		op = EPOLL_CTL_ADD;
	else if (!events)
		op = EPOLL_CTL_DEL;

	if (epoll_ctl(p->epoll_fd, op, w->fd, &ev) < 0)
		return -errno;
	w->armed = events;
	return 0;
}

void watch_close(struct poller *p, struct watch *w)
{
	(void)watch_arm(p, w, 0);
	w->ready = NULL;
	list_append(&p->graves, &w->grave);
	if (++p->n_graves == GRAVES_BEFORE_WAKING)
		poller_wake(p);
}

void poller_wait(struct poller *p, struct poller_batch *b)
{
	b->n = epoll_wait(p->epoll_fd, b->events, POLLER_EVENTS, -1);
}

void poller_dispatch(struct poller *p, const struct poller_batch *b)
{
	for (int i = 0; i < b->n; i++) {
		struct watch *w = b->events[i].data.ptr;

		if (w->ready)
			w->ready(w, b->events[i].events);
	}
	release_graves(p);
}

void poller_wake(struct poller *p)
{
	uint64_t one = 1;

	(void)!write(p->wake_fd, &one, sizeof(one));
}
