/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure_tcp.c - bulk data over TCP on loopback, between us and a plain process,
 * directly or by the broker. Where everybody runs is the kernel's choice: by the broker
 * there are three for two cores.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "raw.h"
#include "sockbroker.h"

enum { CALL_BYTES = 1 << 20, CALLS = 384 };
static char buffer[CALL_BYTES];

/* ---- the plain process: one connection after the other ----------------------------- */

/* 'u': take CALLS calls and say so; 'd': give them. */
static void serve(int fd)
{
	const size_t all = (size_t)CALLS * CALL_BYTES;
	char what;

	while (read_all(fd, &what, 1)) {
		for (size_t done = 0; done < all;) {
			const ssize_t n = what == 'u' ? recv(fd, buffer, CALL_BYTES, 0) :
							send(fd, buffer, CALL_BYTES, MSG_NOSIGNAL);

			if (n <= 0)
				return;
			done += (size_t)n;
		}
		if (what == 'u' && !write_all(fd, "x", 1))
			return;
	}
}

static void serve_connections(int listener)
{
	for (;;) {
		const int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			return;
		if (spawn() == 0) {
			serve(fd);
			_exit(0);
		}
		close(fd);
	}
}

static pid_t peer_start(struct sockaddr_in *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(in);
	pid_t pid;

	if (listener < 0 || bind(listener, (struct sockaddr *)&in, n) < 0 ||
	    listen(listener, 4) < 0 || getsockname(listener, (struct sockaddr *)&in, &n) < 0)
		return fail("a listening socket");
	*ret = in;
	pid = spawn();
	if (pid == 0) {
		signal(SIGCHLD, SIG_IGN);
		serve_connections(listener);
		_exit(0);
	}
	close(listener);
	return pid < 0 ? fail("fork") : pid;
}

/* ---- us ------------------------------------------------------------------------------ */

struct calls {
	ssize_t (*send)(int, const void *, size_t, int);
	ssize_t (*recv)(int, void *, size_t, int);
};
static const struct calls kernel = { send, recv }, broker = { sb_send, sb_recv };

struct rig {
	struct daemon daemon;
	pid_t peer;
	int direct, brokered;
};

static double megabytes_per_second(double start)
{
	return (double)CALLS * CALL_BYTES / (now_us() - start);
}

static double up(const struct calls *c, int fd)
{
	const double start = now_us();
	char byte;

	if (c->send(fd, "u", 1, 0) != 1)
		return fail_with("send", sb_error_message());
	for (int i = 0; i < CALLS; i++)
		if (c->send(fd, buffer, CALL_BYTES, 0) != CALL_BYTES)
			return fail_with("send", sb_error_message());
	if (c->recv(fd, &byte, 1, 0) != 1)
		return fail_with("recv", sb_error_message());
	return megabytes_per_second(start);
}

static double down(const struct calls *c, int fd)
{
	const double start = now_us();

	if (c->send(fd, "d", 1, 0) != 1)
		return fail_with("send", sb_error_message());
	for (size_t left = (size_t)CALLS * CALL_BYTES; left > 0;) {
		const ssize_t n = c->recv(fd, buffer, left < CALL_BYTES ? left : CALL_BYTES, 0);

		if (n <= 0)
			return fail_with("recv", sb_error_message());
		left -= (size_t)n;
	}
	return megabytes_per_second(start);
}

static double direct_up(void *rig)
{
	return up(&kernel, ((struct rig *)rig)->direct);
}

static double brokered_up(void *rig)
{
	return up(&broker, ((struct rig *)rig)->brokered);
}

static double direct_down(void *rig)
{
	return down(&kernel, ((struct rig *)rig)->direct);
}

static double brokered_down(void *rig)
{
	return down(&broker, ((struct rig *)rig)->brokered);
}

static int rig_open(struct rig *r, const struct settings *s)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	const struct sockaddr *sa = (const struct sockaddr *)&to;

	*r = (struct rig){ .direct = -1, .brokered = -1 };
	r->peer = peer_start(&to);
	if (r->peer < 0 || daemon_start(&r->daemon, s, CORE_ANY, 0) < 0)
		return -1;
	setenv("SOCKBROKER_ADDRESS", r->daemon.address, 1);
	r->direct = socket(AF_INET, SOCK_STREAM, 0);
	if (r->direct < 0 || connect(r->direct, sa, sizeof(to)) < 0)
		return fail("connect");
	r->brokered = sb_socket(AF_INET, SOCK_STREAM, 0);
	if (r->brokered < 0 || sb_connect(r->brokered, sa, sizeof(to)) < 0)
		return fail_with("sb_connect", sb_error_message());
	return 0;
}

static void rig_close(struct rig *r)
{
	close(r->direct);
	daemon_stop(&r->daemon);
	reap(r->peer, SIGKILL);
}

/* The direction that comes off worse. */
static int run(const struct settings *s, struct figures *ret, bool upward, bool downward)
{
	struct figures a = { 0 }, b = { 0 };
	struct rig rig;
	int r = rig_open(&rig, s);

	if (r == 0 && upward)
		r = rounds_run(s, direct_up, brokered_up, &rig, &a);
	if (r == 0 && downward)
		r = rounds_run(s, direct_down, brokered_down, &rig, &b);
	rig_close(&rig);
	if (r < 0)
		return r;
	*ret = !downward || (upward && a.value / a.baseline < b.value / b.baseline) ? a : b;
	return 0;
}

int measure_tcp_bulk(const struct settings *s, struct figures *ret)
{
	return run(s, ret, true, true);
}

int measure_tcp_up(const struct settings *s, struct figures *ret)
{
	return run(s, ret, true, false);
}

int measure_tcp_down(const struct settings *s, struct figures *ret)
{
	return run(s, ret, false, true);
}
