/* SPDX-License-Identifier: Apache-2.0 */
/*
 * on_connect.c - connect(2), with --all: judged, then done here on a copy of the descriptor. It
 * is begun without waiting; if the program's call waits, it is parked, and connect(2) repeated
 * when the socket is ready, which tells how it went (reading SO_ERROR first would take that away).
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/sctp.h> /* which wants the ones above */

#include "broker.h"
#include "handlers.h"
#include "run.h"
#include "target.h"

/* O_NONBLOCK belongs to what the program and we share: it is ours for this one call. */
static int connect_now(const struct call *c)
{
	const int flags = c->blocking ? fcntl(c->fd, F_GETFL) : -1;
	int r;

	if (flags >= 0)
		(void)fcntl(c->fd, F_SETFL, flags | O_NONBLOCK);
	r = connect(c->fd, (const struct sockaddr *)&c->addr.ss, c->addr.len) < 0 ? -errno : 0;
	if (flags >= 0)
		(void)fcntl(c->fd, F_SETFL, flags);
	return r;
}

static bool goes_on(int r)
{
	return r == -EINPROGRESS || r == -EALREADY;
}

/* A socket of many associations: it is writable all the while, and has no error of one's own. */
static bool is_one_to_many(const struct socket_kind *kind)
{
	return kind->protocol == IPPROTO_SCTP && kind->type == SOCK_SEQPACKET;
}

/* How an association of SCTP that has begun failed: connect(2) would begin anew. */
static int association_error(const struct call *c)
{
	struct sctp_paddrinfo peer = { 0 };
	int error = 0;
	socklen_t length = sizeof(error);

	if (!is_one_to_many(&c->kind))
		return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? -error : 0;
	memcpy(&peer.spinfo_address, &c->addr.ss, c->addr.len);
	length = sizeof(peer);
	return getsockopt(c->fd, IPPROTO_SCTP, SCTP_GET_PEER_ADDR_INFO, &peer, &length) < 0 &&
	       errno == EINVAL ? -ECONNREFUSED : 0;
}

/* One that has begun. */
static long connect_again(struct call *c)
{
	int r = c->kind.protocol == IPPROTO_SCTP ? association_error(c) : 0;

	if (r < 0)
		return r;
	r = connect_now(c);
	if (goes_on(r))
		return -EAGAIN;
	return r == -EISCONN ? 0 : r;
}

/* Of other kinds connect(2) only notes the address. */
static bool may_wait(const struct socket_kind *kind)
{
	return (kind->family == AF_INET || kind->family == AF_INET6) &&
	       (kind->type == SOCK_STREAM || kind->type == SOCK_SEQPACKET || kind->type == SOCK_DCCP);
}

static struct answer connect_judged(struct call *c)
{
	int r;

	if (!may_wait(&c->kind))
		return answer_value(connect_now(c));
	c->blocking = !(fcntl(c->fd, F_GETFL) & O_NONBLOCK);
	r = connect_now(c);
	if (!c->blocking || !goes_on(r))
		return answer_value(r);
	c->late = r;
	c->timeout_ns = call_send_timeout_ns(c);
	c->attempt = connect_again;
	c->by_clock = is_one_to_many(&c->kind);
	return wait_for(c);
}

struct answer on_connect(struct call *c)
{
	int r = call_take_socket(c, 0);

	if (r < 0)
		return answer_value(r == -EPERM ? -EACCES : r);
	if (!family_is_brokered(c->kind.family))
		return answer_native();
	r = target_read_address(c->tid, c->arg[1], call_int(c, 2), &c->addr);
	if (r < 0 || !call_is_valid(c))
		return answer_value(r < 0 ? r : -ESRCH);
	r = broker_judge(c, ACTION_CONNECT, &c->addr);
	return r < 0 ? answer_value(r) : connect_judged(c);
}
