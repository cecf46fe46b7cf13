/* SPDX-License-Identifier: Apache-2.0 */
/* ops_naming.c - operations that give a socket a name, or a peer, or tell it. */
#include "ops/ops.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
/* which names what the one before declares */
#include <linux/sctp.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "ops/unix_path.h"

int request_address(const struct call *c, const Sockbroker__V1__Address *in, struct sock_addr *ret)
{
	int r = addr_decode(in, ret);

	return r < 0 ? r : addr_fit(ret, c->sock->family, c->sock->protocol);
}

int reply_address(struct call *c, const struct sock_addr *a, Sockbroker__V1__Address **ret)
{
	return addr_encode((const struct sockaddr *)&a->ss, a->len, &c->arena.allocator, ret);
}

static int reply_sock_name(struct call *c, Sockbroker__V1__Address **ret)
{
	struct sock_addr a = { .len = sizeof(a.ss) };

	if (getsockname(c->sock->watch.fd, (struct sockaddr *)&a.ss, &a.len) < 0)
		return -errno;
	return reply_address(c, &a, ret);
}

/* ---- bind ------------------------------------------------------------------ */

int bind_intent(struct call *c)
{
	c->intent.action = ACTION_BIND;
	return request_address(c, REQUEST(c, Bind)->address, &c->intent.addr);
}

/* A file system, a packet socket's hooks, the kernel's lock on interfaces, a module to
 * be loaded for an algorithm: all may take their time. */
int bind_attempt(struct call *c)
{
	if (is_unix_path(&c->intent.addr) || family_is_slow(c->sock->family))
		return CALL_OFFLOAD;
	return bind_work(c);
}

/* A deaf packet socket begins to hear what it was made for. */
static void open_ears(struct call *c, struct sock_addr *a)
{
	struct sockaddr_ll *sll = (struct sockaddr_ll *)&a->ss;

	if (c->sock->narrow && a->ss.ss_family == AF_PACKET && !sll->sll_protocol)
		sll->sll_protocol = htons((uint16_t)c->sock->protocol);
}

int bind_work(struct call *c)
{
	struct sock_addr *a = &c->intent.addr;
	int fd = c->sock->watch.fd, r;

	if (is_unix_path(a) && c->sock->family == AF_UNIX)
		r = unix_path_bind(fd, a, c->verdict.unix_mode);
	else {
		open_ears(c, a);
		r = sys_result(bind(fd, (struct sockaddr *)&a->ss, a->len));
	}
	if (r < 0)
		return r;
	r = reply_sock_name(c, &REPLY(c, Bind)->address);
	return r == -ENOMEM ? r : 0; /* bound it is; AF_ALG and HCI's control channel tell no name */
}

/* ---- connect --------------------------------------------------------------- */

int connect_intent(struct call *c)
{
	c->intent.action = ACTION_CONNECT;
	return request_address(c, REQUEST(c, Connect)->address, &c->intent.addr);
}

/* If O_NONBLOCK were not set. These have no peer to wait for: they note an address. */
static bool connect_may_wait(const struct sock *s)
{
	const bool connectionless = s->type == SOCK_DGRAM || s->type == SOCK_RAW;

	switch (s->family) {
	case AF_INET:
	case AF_INET6:
	case AF_NETLINK:
	case AF_PACKET:
	case AF_CAN:
		return !connectionless;
	default:
		return true;
	}
}

/* connect(2) called again on a connecting socket reports how that went. Other
 * families know no such question: they say EALREADY for ever, or EISCONN, EBADFD, or
 * begin anew. */
static bool connect_tells(const struct sock *s)
{
	bool inet = s->family == AF_INET || s->family == AF_INET6;

	return s->family == AF_UNIX || (inet && !is_sctp(s));
}

/* There SO_ERROR tells. (Elsewhere reading it would eat the answer.) */
static int connected(struct call *c)
{
	struct pollfd p = { .fd = c->sock->watch.fd, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	if (poll(&p, 1, 0) == 0)
		return -EALREADY;
	if (getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

/* A one-to-many SCTP socket can be written to at any time, and has no error of its own:
 * the association tells, as long as there is one. */
static int associated(struct call *c)
{
	struct sctp_paddrinfo peer = { 0 };
	struct sctp_status status = { 0 };
	socklen_t peer_len = sizeof(peer), status_len = sizeof(status);
	int fd = c->sock->watch.fd;

	memcpy(&peer.spinfo_address, &c->intent.addr.ss, sizeof(peer.spinfo_address));
	if (getsockopt(fd, IPPROTO_SCTP, SCTP_GET_PEER_ADDR_INFO, &peer, &peer_len) < 0)
		return -ECONNREFUSED;
	status.sstat_assoc_id = peer.spinfo_assoc_id;
	if (getsockopt(fd, IPPROTO_SCTP, SCTP_STATUS, &status, &status_len) < 0)
		return -ECONNREFUSED;
	if (status.sstat_state >= SCTP_ESTABLISHED)
		return 0;
	if (!c->retry_ns)
		c->retry_ns = RETRY_NS;
	return -EALREADY;
}

/* The first try and the last are the same call, where that can be. A unix socket with a
 * full backlog says EAGAIN, and epoll will not tell when it has room. */
int connect_attempt(struct call *c)
{
	if (connect_may_wait(c->sock) && sock_is_foreign(c->sock))
		return -EOPNOTSUPP;
	if ((c->not_yet == -EINPROGRESS || c->not_yet == -EALREADY) && !connect_tells(c->sock))
		return is_sctp(c->sock) && c->sock->type == SOCK_SEQPACKET ? associated(c)
									    : connected(c);
	if (is_unix_path(&c->intent.addr) || family_is_slow(c->sock->family))
		return CALL_OFFLOAD;
	return connect_work(c);
}

/* Here, or by a worker. */
static int connect_now(const struct sock *s, const struct sock_addr *a)
{
	const bool may_wait = connect_may_wait(s);
	int r;

	if (may_wait && !sock_begin_own(s))
		return -EOPNOTSUPP;
	r = sys_result(connect(s->watch.fd, (const struct sockaddr *)&a->ss, a->len));
	if (may_wait)
		sock_end_own(s);
	return r;
}

static int connect_path(struct call *c)
{
	struct sock_addr pinned;
	_cleanup_close_ int pin = unix_path_pin(&c->intent.addr, &pinned);

	if (pin < 0)
		return pin;
	return connect_now(c->sock, &pinned);
}

int connect_work(struct call *c)
{
	const struct sock_addr *a = &c->intent.addr;
	int r = is_unix_path(a) ? connect_path(c) : connect_now(c->sock, a);

	if (r == -EAGAIN && !c->retry_ns)
		c->retry_ns = RETRY_NS;
	/* As one-to-many sockets are always ready, it is the clock that asks. */
	if (r == -EINPROGRESS && is_sctp(c->sock) && c->sock->type == SOCK_SEQPACKET)
		c->retry_ns = RETRY_NS;
	return r;
}

/* ---- the rest -------------------------------------------------------------- */

/* Some families wait in shutdown(2) until what was sent has left, others linger. */
int shutdown_attempt(struct call *c)
{
	return family_is_slow(c->sock->family) ? CALL_OFFLOAD : shutdown_work(c);
}

int shutdown_work(struct call *c)
{
	return sys_result(shutdown(c->sock->watch.fd, REQUEST(c, Shutdown)->how));
}

int get_sock_name_attempt(struct call *c)
{
	return reply_sock_name(c, &REPLY(c, GetSockName)->address);
}

int get_peer_name_attempt(struct call *c)
{
	struct sock_addr a = { .len = sizeof(a.ss) };

	if (getpeername(c->sock->watch.fd, (struct sockaddr *)&a.ss, &a.len) < 0)
		return -errno;
	return reply_address(c, &a, &REPLY(c, GetPeerName)->address);
}
