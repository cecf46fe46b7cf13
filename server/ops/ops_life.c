/* SPDX-License-Identifier: Apache-2.0 */
/* ops_life.c - operations that make and end sockets. */
#include "ops/ops.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call/shard.h"
#include "core/clock.h"
#include "ops/unix_receive.h"

static const uint32_t OWN_HANDLES = 0x80000000u;

int may_add_sock(const struct session *s, uint32_t wanted)
{
	if (wanted >= OWN_HANDLES)
		return -EINVAL;
	if (wanted && handles_find(&s->handles, wanted))
		return -EEXIST;
	if (atomic_load_explicit(&s->account->sockets, memory_order_relaxed) >= s->limits.sockets)
		return -EMFILE;
	return 0;
}

int adopt_sock(struct call *c, int fd, const struct sock *like, uint32_t wanted, uint32_t *ret_handle)
{
	struct sock *s;
	int r = sock_new(c->session, fd, like->family, like->type, like->protocol, &s);

	if (r < 0)
		return r;
	s->file = like->file;
	s->foreign = like->foreign;
	s->narrow = like->narrow;
	s->may_linger = like->may_linger;
	s->receive_timeout_ns = like->receive_timeout_ns;
	s->send_timeout_ns = like->send_timeout_ns;
	r = sock_publish(s, wanted, ret_handle);
	if (r < 0)
		s->watch.fd = -1; /* it stays the caller's */
	sock_unref(s);
	return r;
}

int add_sock(struct call *c, int fd, const struct sock *like, uint32_t wanted, uint32_t *ret_handle)
{
	const int r = adopt_sock(c, fd, like, wanted, ret_handle);

	if (r == 0)
		return 0;
	if (like->foreign || like->file || (like->family == AF_UNIX && !unix_is_empty(fd, like->type)))
		crew_close(c->session->account, fd, false);
	else
		close(fd);
	return r;
}

/* ---- socket, socketpair ---------------------------------------------------- */

int socket_kind(int family, int type, int protocol, struct intent *in)
{
	const bool inet = family == AF_INET || family == AF_INET6;

	if (type & (SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	in->family = family;
	in->type = type;
	/* The kernel refuses it. Winsock's sniffers ask for it, and it means there what this
	 * means here: headers of one's own; what is received, SIO_RCVALL says. */
	in->protocol = inet && type == SOCK_RAW && protocol == IPPROTO_IP ? IPPROTO_RAW : protocol;
	return 0;
}

int socket_intent(struct call *c)
{
	const Sockbroker__V1__SocketRequest *req = REQUEST(c, Socket);

	c->intent.action = ACTION_SOCKET;
	return socket_kind(req->family, req->type, req->protocol, &c->intent);
}

/* A packet socket receives from its birth on, from every interface: where
 * policy narrows the interface it is born deaf, and hears from bind on. */
int socket_attempt(struct call *c)
{
	const struct intent *want = &c->intent;
	bool packet = want->family == AF_PACKET;
	struct sock like = { .family = want->family, .type = want->type,
			     .protocol = want->protocol,
			     .narrow = packet && c->verdict.narrow_interface };
	int protocol = packet ? htons((uint16_t)want->protocol) : want->protocol;
	int fd, r = may_add_sock(c->session, REQUEST(c, Socket)->new_handle);

	if (r < 0)
		return r;
	fd = socket(want->family, want->type | SOCK_NONBLOCK | SOCK_CLOEXEC, like.narrow ? 0 : protocol);
	if (fd < 0)
		return -errno;
	return add_sock(c, fd, &like, REQUEST(c, Socket)->new_handle, &REPLY(c, Socket)->handle);
}

int socket_pair_intent(struct call *c)
{
	const Sockbroker__V1__SocketPairRequest *req = REQUEST(c, SocketPair);

	if (req->new_handle && req->new_handle == req->new_handle2)
		return -EINVAL;
	c->intent.action = ACTION_SOCKET;
	return socket_kind(req->family, req->type, req->protocol, &c->intent);
}

int socket_pair_attempt(struct call *c)
{
	const Sockbroker__V1__SocketPairRequest *req = REQUEST(c, SocketPair);
	Sockbroker__V1__SocketPairReply *rep = REPLY(c, SocketPair);
	struct sock like = { .family = c->intent.family, .type = c->intent.type,
			     .protocol = c->intent.protocol };
	int sv[2], r = may_add_sock(c->session, req->new_handle);

	if (r == 0)
		r = may_add_sock(c->session, req->new_handle2);
	if (r < 0)
		return r;
	if (socketpair(like.family, like.type | SOCK_NONBLOCK | SOCK_CLOEXEC, like.protocol, sv) < 0)
		return -errno;

	r = add_sock(c, sv[0], &like, req->new_handle, &rep->handle);
	if (r < 0) {
		close(sv[1]);
		return r;
	}
	r = add_sock(c, sv[1], &like, req->new_handle2, &rep->handle2);
	if (r < 0) {
		sock_unpublish(c->session, rep->handle);
	}
	return r;
}

/* ---- close, dup ------------------------------------------------------------ */

struct closing {
	bool taken;     /* the handle is gone */
	bool lingering;
};

int close_intent(struct call *c)
{
	c->state = arena_zalloc(&c->arena, sizeof(struct closing));
	return c->state ? no_intent(c) : -ENOMEM;
}

/* As close(2) would wait: a TCP socket whose option says so, with nothing left
 * unread (then it resets at once). What others hold too goes on as it is. */
static bool must_linger(struct call *c)
{
	struct linger linger = { 0 };
	socklen_t len = sizeof(linger);
	int fd = c->sock->watch.fd, unread = 0;

	if (!c->sock->may_linger || c->sock->type != SOCK_STREAM || sock_is_shared(c->sock) ||
	    sock_is_foreign(c->sock))
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len) < 0 || !linger.l_onoff ||
	    linger.l_linger <= 0)
		return false;
	if (ioctl(fd, FIONREAD, &unread) < 0 || unread > 0 || shutdown(fd, SHUT_WR) < 0)
		return false;
	c->deadline_ns = clock_now_ns() + (uint64_t)linger.l_linger * NS_PER_S;
	c->retry_ns = RETRY_NS;
	return true;
}

static bool all_acknowledged(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return true;
	return info.tcpi_state != TCP_FIN_WAIT1 && info.tcpi_state != TCP_CLOSING &&
	       info.tcpi_state != TCP_LAST_ACK && info.tcpi_state != TCP_ESTABLISHED;
}

/* A call that was held behind another Close finds the number gone, or given to
 * another socket. */
static int take_handle(struct call *c)
{
	uint32_t number = REQUEST(c, Close)->handle;

	if (handles_find(&c->session->handles, number) != c->sock)
		return -EBADF;
	handles_remove(&c->session->handles, number);
	c->sock->handles--;
	sock_unref(c->sock); /* the handle's; the call has its own */
	return 0;
}

int close_attempt(struct call *c)
{
	struct closing *closing = c->state;
	struct sock *s = c->sock;

	if (!closing->taken) {
		if (take_handle(c) < 0)
			return -EBADF;
		closing->taken = true;
		closing->lingering = s->refs == 1 && must_linger(c);
	}
	if (s->refs > 1)
		return 0; /* another handle, or a call, has it still */
	if (closing->lingering && !all_acknowledged(s->watch.fd))
		return -EAGAIN;
	if (!sock_closes_slowly(s))
		return 0; /* with the last reference, before the reply leaves */
	sock_unwatch(s);
	c->aside = true;
	return CALL_OFFLOAD;
}

int close_work(struct call *c)
{
	sock_close_now(c->sock);
	return 0;
}

int close_finish(struct call *c, int error)
{
	(void)c;
	(void)error;
	return 0; /* the kernel goes on by itself */
}

int dup_attempt(struct call *c)
{
	int r = may_add_sock(c->session, REQUEST(c, Dup)->new_handle);

	if (r < 0)
		return r;
	return sock_publish(c->sock, REQUEST(c, Dup)->new_handle, &REPLY(c, Dup)->handle);
}
