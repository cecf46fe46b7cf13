/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
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

/* False: nobody uses the filter any more. */
static bool goes_on(int listener)
{
	struct pollfd listens = { .fd = listener };

	return poll(&listens, 1, 0) >= 0 && !(listens.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void *receive(void *context)
{
	struct run *run = context;
	const size_t bytes = notification_bytes();
	struct seccomp_notif *notif = malloc(bytes);

	while (notif) {
		memset(notif, 0, bytes);
		if (ioctl(run->listener, SECCOMP_IOCTL_NOTIF_RECV, notif) == 0) {
			run->busy++;
			answer(run, notif);
			run->busy--;
		} else if (!goes_on(run->listener)) { /* else: that one has gone meanwhile */
			break;
		}
	}
	free(notif);
	return NULL;
}

int receivers_start(struct run *run)
{
	int error = 0;

	for (int i = 0; i < RECEIVERS; i++) {
		pthread_t thread;

		error = pthread_create(&thread, NULL, receive, run);
		if (error)
			return i ? 0 : -error;
		pthread_detach(thread);
	}
	return 0;
}
