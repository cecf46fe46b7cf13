/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work.c - the works. Each does a bundle of the same thing over and over; the figure is by
 * the middle one of the bundles' times, so that another's turn on our processor does not count.
 */
#include "work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "machine.h"
#include "sockbroker.h"
#include "work_end.h"

enum { BUNDLE = 16, SAMPLES_MAX = 4096, WARM_US = 50000, TURN_US = 15000 };
static char block[CALL_BYTES];

struct calls {
	/* Bound to @own and connected to @to, where these are not NULL. */
	int (*open)(int type, const struct sockaddr_in *own, const struct sockaddr_in *to);
	ssize_t (*send)(int, const void *, size_t, int);
	ssize_t (*sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	ssize_t (*recv)(int, void *, size_t, int);
	int (*close)(int);
};

struct task {
	const struct calls *calls;
	struct sockaddr_in to, own;
	int fd, receiver;
};

/* ---- whose calls ----------------------------------------------------------------------- */

static int kernel_open(int type, const struct sockaddr_in *own, const struct sockaddr_in *to)
{
	const int fd = socket(AF_INET, type, 0);

	if (fd < 0 || (own && bind(fd, (const struct sockaddr *)own, sizeof(*own)) < 0) ||
	    (to && connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0))
		return -1;
	return fd;
}

static ssize_t kernel_sendto(int fd, const void *data, size_t n, int flags,
			     const struct sockaddr *to, socklen_t size)
{
	return sendto(fd, data, n, flags, to, size); /* glibc's has a transparent union */
}

static int library_open(int type, const struct sockaddr_in *own, const struct sockaddr_in *to)
{
	const int fd = sb_socket(AF_INET, type, 0);

	if (fd < 0 || (own && sb_bind(fd, (const struct sockaddr *)own, sizeof(*own)) < 0) ||
	    (to && sb_connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0))
		return -1;
	return fd;
}

static int detached_open(int type, const struct sockaddr_in *own, const struct sockaddr_in *to)
{
	const int fd = library_open(type, own, to);

	return fd < 0 ? -1 : sb_detach(fd);
}

static const struct calls calls[] = {
	[CALLS_KERNEL] = { kernel_open, send, kernel_sendto, recv, close },
	[CALLS_THREAD] = { kernel_open, send, kernel_sendto, recv, close },
	[CALLS_DETACHED] = { detached_open, send, kernel_sendto, recv, close },
	[CALLS_LIBRARY] = { library_open, sb_send, sb_sendto, sb_recv, sb_close },
};

/* ---- bundles ----------------------------------------------------------------------------- */

static bool send_block(const struct task *t)
{
	for (size_t left = BLOCK_BYTES; left > 0;) {
		const ssize_t n = t->calls->send(t->fd, block, left < CALL_BYTES ? left : CALL_BYTES,
						 MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		left -= (size_t)n;
	}
	return true;
}

static bool receive_block(const struct task *t)
{
	for (size_t left = BLOCK_BYTES; left > 0;) {
		const ssize_t n = t->calls->recv(t->fd, block, left < CALL_BYTES ? left : CALL_BYTES, 0);

		if (n <= 0)
			return false;
		left -= (size_t)n;
	}
	return true;
}

/* BLOCK_BYTES there, and as many back. */
static bool do_bulk(struct task *t)
{
	char byte;

	return t->calls->send(t->fd, "u", 1, MSG_NOSIGNAL) == 1 && send_block(t) &&
	       t->calls->recv(t->fd, &byte, 1, 0) == 1 &&
	       t->calls->send(t->fd, "d", 1, MSG_NOSIGNAL) == 1 && receive_block(t);
}

static bool do_round_trips(struct task *t)
{
	for (int i = 0; i < BUNDLE; i++)
		if (t->calls->send(t->fd, block, SMALL_BYTES, MSG_NOSIGNAL) != SMALL_BYTES ||
		    t->calls->recv(t->fd, block, SMALL_BYTES, MSG_WAITALL) != SMALL_BYTES)
			return false;
	return true;
}

static bool receive_bundle(struct task *t)
{
	for (int i = 0; i < BUNDLE; i++)
		if (t->calls->recv(t->receiver, block, SMALL_BYTES, 0) != SMALL_BYTES)
			return false;
	return true;
}

static bool do_datagrams(struct task *t)
{
	for (int i = 0; i < BUNDLE; i++)
		if (t->calls->send(t->fd, block, SMALL_BYTES, 0) != SMALL_BYTES)
			return false;
	return receive_bundle(t);
}

static bool do_addressed(struct task *t)
{
	const struct sockaddr *to = (const struct sockaddr *)&t->to;

	for (int i = 0; i < BUNDLE; i++)
		if (t->calls->sendto(t->fd, block, SMALL_BYTES, 0, to, sizeof(t->to)) != SMALL_BYTES)
			return false;
	return receive_bundle(t);
}

static bool do_connections(struct task *t)
{
	const struct calls *c = t->calls;
	char byte = 0;

	for (int i = 0; i < BUNDLE; i++) {
		const int fd = c->open(SOCK_STREAM, NULL, &t->to);

		/* The other end closes first. */
		if (fd < 0 || c->send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || c->recv(fd, &byte, 1, 0) != 1 ||
		    c->recv(fd, &byte, 1, 0) != 0 || c->close(fd) < 0)
			return false;
	}
	return true;
}

static bool do_sockets(struct task *t)
{
	for (int i = 0; i < BUNDLE; i++) {
		const int fd = t->calls->open(SOCK_DGRAM, NULL, NULL);

		if (fd < 0 || t->calls->close(fd) < 0)
			return false;
	}
	return true;
}

/* ---- works --------------------------------------------------------------------------------- */

static bool open_stream(struct task *t)
{
	t->fd = t->calls->open(SOCK_STREAM, NULL, &t->to);
	return t->fd >= 0;
}

static bool open_pair(struct task *t)
{
	t->receiver = t->calls->open(SOCK_DGRAM, &t->own, NULL);
	t->fd = t->receiver < 0 ? -1 : t->calls->open(SOCK_DGRAM, NULL, &t->to);
	return t->fd >= 0;
}

static bool open_unconnected_pair(struct task *t)
{
	t->receiver = t->calls->open(SOCK_DGRAM, &t->own, NULL);
	t->fd = t->receiver < 0 ? -1 : t->calls->open(SOCK_DGRAM, NULL, NULL);
	return t->fd >= 0;
}

static bool open_nothing(struct task *t)
{
	(void)t;
	return true;
}

static const struct {
	bool (*open)(struct task *);
	bool (*bundle)(struct task *);
	double in_bundle; /* of what the figure counts */
	enum core core;
} works[] = {
	[WORK_BULK] = { open_stream, do_bulk, 2.0 * BLOCK_BYTES / 1e6, CORE_CLIENT },
	[WORK_ROUND_TRIP] = { open_stream, do_round_trips, BUNDLE, CORE_CLIENT },
	[WORK_DATAGRAMS] = { open_pair, do_datagrams, BUNDLE, CORE_CLIENT },
	[WORK_ADDRESSED] = { open_unconnected_pair, do_addressed, BUNDLE, CORE_CLIENT },
	[WORK_CONNECTIONS] = { open_nothing, do_connections, BUNDLE, CORE_ANY },
	[WORK_SOCKETS] = { open_nothing, do_sockets, BUNDLE, CORE_CLIENT },
};

/* At least one bundle, and for some time. A second, or -1. */
static double rate(struct task *t, int work, double time_us)
{
	static double times[SAMPLES_MAX];
	const double end = now_us() + time_us;
	double start, stop;
	size_t n = 0;

	do {
		start = now_us();
		if (!works[work].bundle(t))
			return -1;
		stop = now_us();
		times[n++] = stop - start;
	} while (stop < end && n < SAMPLES_MAX);
	return works[work].in_bundle * 1e6 / median(times, n);
}

/* As often as we are told. */
static int take_turns(struct task *t, int work)
{
	double found = rate(t, work, WARM_US);
	char byte;

	while (found >= 0 && read(STDIN_FILENO, &byte, 1) == 1) {
		found = rate(t, work, TURN_US);
		if (found >= 0 && write(STDOUT_FILENO, &found, sizeof(found)) != sizeof(found))
			return -1;
	}
	return found < 0 ? -1 : 0;
}

static void *sleep_for_ever(void *nothing)
{
	for (;;)
		pause();
	return nothing;
}

static struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)atoi(port)),
				     .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

size_t work_command(const char **argv, char text[64], enum work work, enum work_calls whose,
		    uint16_t to, uint16_t own)
{
	size_t n = 0;

	snprintf(text, 64, "%d%c%d%c%u%c%u", work, 0, (int)whose, 0, to, 0, own);
	argv[n++] = "--work";
	for (int i = 0; i < 4; i++, text += strlen(text) + 1)
		argv[n++] = text;
	argv[n] = NULL;
	return n;
}

int work_main(int argc, char **argv)
{
	const int work = argc == 4 ? atoi(argv[0]) : -1, whose = argc == 4 ? atoi(argv[1]) : -1;
	struct task t = { .fd = -1, .receiver = -1 };
	pthread_t thread;

	if (work < 0 || work >= WORKS || whose < CALLS_KERNEL || whose > CALLS_LIBRARY)
		return EXIT_FAILURE;
	t.calls = &calls[whose];
	t.to = loopback(argv[2]);
	t.own = loopback(argv[3]);
	machine_look();
	machine_pin(works[work].core);
	if (whose == CALLS_THREAD && pthread_create(&thread, NULL, sleep_for_ever, NULL) != 0)
		return EXIT_FAILURE;
	if (!works[work].open(&t) || take_turns(&t, work) < 0) {
		const char *why = whose == CALLS_LIBRARY ? sb_error_message() : strerror(errno);

		(void)fail_with("a program at work", why);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
