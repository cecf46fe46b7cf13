/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/sock_info.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "ops/capture.h"
#include "ops/descriptor_kind.h"
#include "wire/addr.h"

static const char *const tcp_states[] = {
	[TCP_ESTABLISHED] = "ESTAB", [TCP_SYN_SENT] = "SYN-SENT", [TCP_SYN_RECV] = "SYN-RECV",
	[TCP_FIN_WAIT1] = "FIN-WAIT-1", [TCP_FIN_WAIT2] = "FIN-WAIT-2",
	[TCP_TIME_WAIT] = "TIME-WAIT", [TCP_CLOSE] = "UNCONN", [TCP_CLOSE_WAIT] = "CLOSE-WAIT",
	[TCP_LAST_ACK] = "LAST-ACK", [TCP_LISTEN] = "LISTEN", [TCP_CLOSING] = "CLOSING",
};
enum { N_TCP_STATES = sizeof(tcp_states) / sizeof(tcp_states[0]) };

static const char *state_of(int fd, bool has_peer)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	int listens = 0;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	    info.tcpi_state < N_TCP_STATES && tcp_states[info.tcpi_state])
		return tcp_states[info.tcpi_state];
	len = sizeof(listens);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens)
		return "LISTEN";
	return has_peer ? "ESTAB" : "UNCONN";
}

static uint64_t queued(int fd, unsigned long request)
{
	int n = 0;

	return ioctl(fd, request, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

typedef int name_fn(int fd, struct sockaddr *addr, socklen_t *len);

/* A name that has no wire form is left out. */
static int ask_name(name_fn *ask, int fd, struct arena *arena, Sockbroker__V1__Address **ret)
{
	struct sock_addr a = { .len = sizeof(a.ss) };
	int r;

	if (ask(fd, (struct sockaddr *)&a.ss, &a.len) < 0)
		return 0;
	r = addr_encode((struct sockaddr *)&a.ss, a.len, &arena->allocator, ret);
	return r == -ENOMEM ? r : 0;
}

int sock_info_ask(const struct sock *s, struct arena *arena, Sockbroker__V1__SocketInfo *ret)
{
	int fd = s->watch.fd, r;

	if (s->file) {
		const char *name = file_name_of_kind(fd);

		ret->state = (char *)(uintptr_t)(name ? name : "file");
		return 0;
	}
	r = ask_name(getsockname, fd, arena, &ret->local);
	if (r == 0)
		r = ask_name(getpeername, fd, arena, &ret->peer);
	ret->state = (char *)(uintptr_t)state_of(fd, ret->peer != NULL);
	ret->receive_queue = queued(s->capture ? s->capture->watch.fd : fd, SIOCINQ);
	ret->send_queue = queued(fd, SIOCOUTQ);
	return r;
}
