/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "handlers.h"
#include "run.h"

enum { RECEIVERS = 4 };

/* The kernel's structure may be longer than what we know. */
static size_t notification_bytes(void)
{
	struct seccomp_notif_sizes sizes;
	size_t bytes = sizeof(struct seccomp_notif);

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0 && sizes.seccomp_notif > bytes)
		bytes = sizes.seccomp_notif;
	return bytes;
}

static void answer(struct run *run, const struct seccomp_notif *notif)
{
	struct call *c = call_new(run, notif);
	struct call nothing = { .run = run, .id = notif->id, .fd = -1 };
	struct answer answer;

	if (!c) {
		call_answer(&nothing, answer_value(-ENOMEM));
		return;
	}
	answer = handle(c);
	if (answer.kind == ANSWER_LATER)
		return;
	call_answer(c, answer);
	call_free(c);
}

/* Until there is a call for this thread. False: nobody uses the filter any more. */
static bool await_call(const struct run *run)
{
	struct epoll_event event;
	int n;

	do
		n = epoll_wait(run->calls, &event, 1, -1);
	while (n < 0 && errno == EINTR);
	return n == 1 && !(event.events & (EPOLLHUP | EPOLLERR));
}

/* What is there, or comes, wakes the next one. */
static void let_next(const struct run *run)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };

	(void)epoll_ctl(run->calls, EPOLL_CTL_MOD, run->listener, &event);
}

static void *receive(void *context)
{
	struct run *run = context;
	const size_t bytes = notification_bytes();
	struct seccomp_notif *notif = malloc(bytes);
	int r;

	while (notif && await_call(run)) {
		memset(notif, 0, bytes);
		r = ioctl(run->listener, SECCOMP_IOCTL_NOTIF_RECV, notif);
		let_next(run);
		if (r == 0) { /* else: that one has gone meanwhile */
			run->busy++;
			answer(run, notif);
			run->busy--;
		}
	}
	free(notif);
	let_next(run);
	return NULL;
}

/*
 * Threads that wait in NOTIF_RECV are all woken by each call, for one of them; those that wait for
 * an epoll set are not. Only one is between the set and NOTIF_RECV at a time.
 */
static int calls_make(struct run *run)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };

	run->calls = epoll_create1(EPOLL_CLOEXEC);
	if (run->calls < 0 || epoll_ctl(run->calls, EPOLL_CTL_ADD, run->listener, &event) < 0)
		return -errno;
	return 0;
}

int receivers_start(struct run *run)
{
	int error = calls_make(run);

	if (error)
		return error;
	for (int i = 0; i < RECEIVERS; i++) {
		pthread_t thread;

		error = pthread_create(&thread, NULL, receive, run);
		if (error)
			return i ? 0 : -error;
		pthread_detach(thread);
	}
	return 0;
}
