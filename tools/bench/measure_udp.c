/* SPDX-License-Identifier: Apache-2.0 */
/* measure_udp.c - datagrams from one socket of ours to another, 64 a call. */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "sockbroker.h"

enum { BUNDLE = 64, BYTES = 64, CALLS = 1500 };

/* The same calls, of the kernel or of the broker. */
struct calls {
	int (*socket)(int, int, int);
	int (*bind)(int, const struct sockaddr *, socklen_t);
	int (*getsockname)(int, struct sockaddr *, socklen_t *);
	int (*connect)(int, const struct sockaddr *, socklen_t);
	int (*sendmmsg)(int, struct mmsghdr *, unsigned, int);
	int (*recvmmsg)(int, struct mmsghdr *, unsigned, int, struct timespec *);
	int (*close)(int);
};

/* glibc declares some with a transparent union. */
static int kernel_bind(int fd, const struct sockaddr *a, socklen_t n)
{
	return bind(fd, a, n);
}

static int kernel_getsockname(int fd, struct sockaddr *a, socklen_t *n)
{
	return getsockname(fd, a, n);
}

static int kernel_connect(int fd, const struct sockaddr *a, socklen_t n)
{
	return connect(fd, a, n);
}

static const struct calls kernel = { socket, kernel_bind, kernel_getsockname, kernel_connect,
				     sendmmsg, recvmmsg, close };
static const struct calls broker = { sb_socket, sb_bind, sb_getsockname, sb_connect,
				     sb_sendmmsg, sb_recvmmsg, sb_close };

struct pair {
	const struct calls *calls;
	int from, to;
};

struct rig {
	struct daemon daemon;
	struct pair direct, brokered;
};

static int pair_open(struct pair *p, const struct calls *calls)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr *sa = (struct sockaddr *)&in;
	socklen_t n = sizeof(in);

	p->calls = calls;
	p->to = calls->socket(AF_INET, SOCK_DGRAM, 0);
	p->from = calls->socket(AF_INET, SOCK_DGRAM, 0);
	if (p->to < 0 || p->from < 0)
		return fail_with("socket", sb_error_message());
	if (calls->bind(p->to, sa, n) < 0 || calls->getsockname(p->to, sa, &n) < 0 ||
	    calls->connect(p->from, sa, n) < 0)
		return fail_with("bind and connect", sb_error_message());
	return 0;
}

static double per_second(const struct pair *p)
{
	static char out[BUNDLE][BYTES], in[BUNDLE][BYTES];
	struct mmsghdr send[BUNDLE], receive[BUNDLE];
	struct iovec from[BUNDLE], to[BUNDLE];
	double start;

	memset(send, 0, sizeof(send));
	memset(receive, 0, sizeof(receive));
	for (int i = 0; i < BUNDLE; i++) {
		from[i] = (struct iovec){ out[i], BYTES };
		to[i] = (struct iovec){ in[i], BYTES };
		send[i].msg_hdr.msg_iov = &from[i];
		receive[i].msg_hdr.msg_iov = &to[i];
		send[i].msg_hdr.msg_iovlen = receive[i].msg_hdr.msg_iovlen = 1;
	}
	start = now_us();
	for (int i = 0; i < CALLS; i++) {
		if (p->calls->sendmmsg(p->from, send, BUNDLE, 0) != BUNDLE)
			return fail_with("sendmmsg", sb_error_message());
		if (p->calls->recvmmsg(p->to, receive, BUNDLE, 0, NULL) != BUNDLE)
			return fail_with("recvmmsg", sb_error_message());
	}
	return CALLS * (double)BUNDLE * 1e6 / (now_us() - start);
}

static double direct_per_second(void *rig)
{
	return per_second(&((struct rig *)rig)->direct);
}

static double brokered_per_second(void *rig)
{
	return per_second(&((struct rig *)rig)->brokered);
}

int measure_udp_many(const struct settings *s, struct figures *ret)
{
	struct rig rig;
	int r = daemon_start(&rig.daemon, s, CORE_SERVER, 0);

	if (r < 0)
		return r;
	machine_pin(CORE_CLIENT);
	setenv("SOCKBROKER_ADDRESS", rig.daemon.address, 1);
	if (pair_open(&rig.direct, &kernel) < 0 ||
	    pair_open(&rig.brokered, &broker) < 0)
		r = -1;
	if (r == 0)
		r = rounds_run(s, direct_per_second, brokered_per_second, &rig, ret);
	daemon_stop(&rig.daemon);
	return r;
}
