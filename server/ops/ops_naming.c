/* SPDX-License-Identifier: Apache-2.0 */
/* ops_naming.c - operations that give a socket a name, or a peer, or tell it. */
#include "ops/ops.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
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

/* A file system, or a packet socket's hooks, may take their time. */
int bind_attempt(struct call *c)
{
	if (is_unix_path(&c->intent.addr) || c->sock->family == AF_PACKET)
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

/* vsock does not know how to be asked twice: it says EALREADY for ever, or begins
 * anew. There SO_ERROR tells. (Elsewhere reading it would eat the answer.) */
static int vsock_connected(struct call *c)
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

/* connect(2) called again on a connecting socket reports how that went, so the
 * first try and the last are the same call. A unix socket with a full backlog
 * says EAGAIN, and epoll will not tell when it has room. */
int connect_attempt(struct call *c)
{
	int r;

	if (c->sock->foreign)
		return -EOPNOTSUPP;
	if (is_unix_path(&c->intent.addr))
		return CALL_OFFLOAD;
	if (c->n_waiters && c->sock->family == AF_VSOCK)
		return vsock_connected(c);
	r = sys_result(connect(c->sock->watch.fd, (struct sockaddr *)&c->intent.addr.ss,
			       c->intent.addr.len));
	if (r == -EAGAIN && !c->retry_ns)
		c->retry_ns = RETRY_NS;
	return r;
}

int connect_work(struct call *c)
{
	struct sock_addr pinned;
	_cleanup_close_ int pin = unix_path_pin(&c->intent.addr, &pinned);
	int r;

	if (pin < 0)
		return pin;
	r = sys_result(connect(c->sock->watch.fd, (struct sockaddr *)&pinned.ss, pinned.len));
	if (r == -EAGAIN && !c->retry_ns)
		c->retry_ns = RETRY_NS;
	return r;
}

/* ---- the rest -------------------------------------------------------------- */

int shutdown_attempt(struct call *c)
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
