/* SPDX-License-Identifier: Apache-2.0 */
/*
 * on_send.c - sendto(2), sendmsg(2), sendmmsg(2). What has no destination the program sends by
 * itself. Of netlink what changes something goes by the broker (netlink.c); with --all each
 * destination is judged, and the copy sent from here.
 *
 * Descriptors in control messages stay out of it: only AF_UNIX passes any, and
 * its messages are the program's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "broker.h"
#include "handlers.h"
#include "netlink.h"
#include "outgoing.h"
#include "run.h"
#include "target.h"

static bool is_tcp(const struct socket_kind *kind)
{
	return kind->type == SOCK_STREAM && kind->protocol != IPPROTO_SCTP;
}

/* Some protocols take AF_UNSPEC for their own family, UDP over IPv6 for no address: so that what is judged is
 * what the kernel will read. */
static void name_family(const struct call *c, struct sock_addr *addr)
{
	if (addr->len < sizeof(sa_family_t) || addr->ss.ss_family != AF_UNSPEC)
		return;
	if (c->kind.family == AF_INET || c->kind.type == SOCK_RAW)
		addr->ss.ss_family = (sa_family_t)c->kind.family;
	else if (c->kind.family == AF_INET6)
		addr->len = 0;
}

static bool is_same(const struct sock_addr *a, const struct sock_addr *b)
{
	return a->len == b->len && memcmp(&a->ss, &b->ss, a->len) == 0;
}

/* Of several to one destination the first stands for all. */
static int judge(const struct call *c, size_t i)
{
	struct message *m = &c->outgoing->messages[i];

	name_family(c, &m->addr);
	if (!m->addr.len || (i > 0 && is_same(&m->addr, &m[-1].addr)))
		return 0;
	return broker_judge(c, c->kind.type == SOCK_STREAM ? ACTION_CONNECT : ACTION_SEND, &m->addr);
}

/* What cannot be sent ends the row; the ones before it are sent. */
static int prepare(const struct call *c)
{
	struct outgoing *out = c->outgoing;
	size_t bytes = 0;

	for (size_t i = 0; i < out->n; i++) {
		int r = outgoing_copy(out, i, is_tcp(&c->kind));

		if (r == 0)
			r = judge(c, i);
		if (r < 0 && i == 0)
			return r;
		bytes += out->messages[i].size;
		if (r < 0 || (i > 0 && bytes > OUTGOING_BYTES_MAX))
			outgoing_cut(out, i);
	}
	return call_is_valid(c) ? 0 : -ESRCH;
}

/* EPIPE comes with a signal, to the thread that sent. */
static void raise_sigpipe(const struct call *c)
{
	struct target_status status;

	if (c->kind.type == SOCK_STREAM && !(c->outgoing->flags & MSG_NOSIGNAL) &&
	    target_status(c->tid, &status) == 0 && call_is_valid(c))
		(void)syscall(SYS_tgkill, status.tgid, c->tid, SIGPIPE);
}

/* Fast open has begun a connection, and waits for it: now it is an ordinary send. */
static long opening(struct call *c, struct message *m, long r)
{
	if (r != -EINPROGRESS || !(c->outgoing->flags & MSG_FASTOPEN))
		return r;
	if (!c->blocking)
		return r;
	c->outgoing->flags &= ~MSG_FASTOPEN;
	m->addr.len = 0;
	return -EAGAIN;
}

static long send_one(struct call *c, size_t i)
{
	struct message *m = &c->outgoing->messages[i];
	const int flags = c->outgoing->flags | MSG_DONTWAIT | MSG_NOSIGNAL;
	struct iovec iov;
	struct msghdr header = outgoing_header(c->outgoing, i, &iov);
	ssize_t n = sendmsg(c->fd, &header, flags);

	if (n < 0)
		return opening(c, m, -errno);
	m->sent += (size_t)n;
	if (is_tcp(&c->kind) && m->sent < m->size)
		return -EAGAIN;
	return (long)m->sent;
}

/* What has been copied and judged; at first, and when the socket is ready. */
static long send_all(struct call *c)
{
	struct outgoing *out = c->outgoing;
	uint32_t length;
	long r = 0;

	for (; out->done < out->n; out->done++) {
		struct message *m = &out->messages[out->done];

		r = send_one(c, out->done);
		if (r == -EAGAIN)
			return r;
		if (r == -EPIPE)
			raise_sigpipe(c);
		if (r < 0)
			break;
		length = (uint32_t)r;
		if (m->length_there &&
		    target_write(c->tid, m->length_there, &length, sizeof(length)) < 0) {
			r = -EFAULT;
			break;
		}
	}
	return outgoing_result(out, r);
}

static struct answer send_judged(struct call *c)
{
	const int r = prepare(c);

	if (r < 0)
		return answer_value(r);
	c->blocking = !(c->outgoing->flags & MSG_DONTWAIT) && !(fcntl(c->fd, F_GETFL) & O_NONBLOCK);
	c->late = -EAGAIN;
	c->timeout_ns = call_send_timeout_ns(c);
	c->attempt = send_all;
	return wait_for(c);
}

typedef int take_function(pid_t, const uint64_t arg[6], struct outgoing **);

static bool is_concerned(const struct call *c)
{
	return c->kind.family == AF_NETLINK || (c->run->all && family_is_brokered(c->kind.family));
}

static struct answer on_any(struct call *c, take_function *take, int flags)
{
	int r = call_take_socket(c, 0);

	if (r == -EPERM)
		return answer_native();
	if (r < 0)
		return answer_value(r);
	if (!is_concerned(c) || (is_tcp(&c->kind) && !(flags & MSG_FASTOPEN)))
		return answer_native();
	r = take(c->tid, c->arg, &c->outgoing);
	if (r < 0)
		return answer_value(r);
	if (c->kind.family == AF_NETLINK)
		return netlink_send(c);
	return outgoing_is_addressed(c->outgoing) ? send_judged(c) : answer_native();
}

struct answer on_sendto(struct call *c)
{
	return on_any(c, outgoing_sendto, call_int(c, 3));
}

struct answer on_sendmsg(struct call *c)
{
	return on_any(c, outgoing_sendmsg, call_int(c, 2));
}

struct answer on_sendmmsg(struct call *c)
{
	return on_any(c, outgoing_sendmmsg, call_int(c, 3));
}
