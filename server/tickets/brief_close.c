/* SPDX-License-Identifier: Apache-2.0 */
#include "tickets/brief_close.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "core/clock.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { PATIENCE_MS = 10 };

static void nothing(int signal)
{
	(void)signal;
}

int brief_close_begin(timer_t *ret)
{
	const struct sigaction action = { .sa_handler = nothing }; /* no SA_RESTART */
	struct sigevent to_us = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN };

	to_us.sigev_notify_thread_id = gettid();
	if (sigaction(SIGRTMIN, &action, NULL) < 0 || timer_create(CLOCK_MONOTONIC, &to_us, ret) < 0)
		return -errno;
	return 0;
}

void brief_close_end(timer_t timer)
{
	(void)timer_delete(timer);
}

/* Again and again, since the first may come before the wait does. */
void brief_close(timer_t timer, int fd)
{
	const struct timespec soon = { .tv_nsec = PATIENCE_MS * NS_PER_MS };
	const struct itimerspec ring = { .it_value = soon, .it_interval = soon }, never = { 0 };

	(void)timer_settime(timer, 0, &ring, NULL);
	close(fd);
	(void)timer_settime(timer, 0, &never, NULL);
}
