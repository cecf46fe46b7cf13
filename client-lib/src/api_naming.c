/* SPDX-License-Identifier: Apache-2.0 */
/* api_naming.c - names and connections: bind … getpeername. */
#include <errno.h>

#include "api.h"
#include "api_life.h"
#include "direct.h"
#include "sockbroker.h"
#include "watch.h"

/* The broker takes no socket of AF_UNIX, nor of another network namespace: that is then between the
 * process and the kernel. */
static bool is_not_the_brokers(const struct sb_sock *s, int error)
{
	return sock_is_real(s) && (error == -EOPNOTSUPP || error == -EXDEV);
}

int sb_bind(int fd, const struct sockaddr *addr, socklen_t addrlen)
{
	Sockbroker__V1__BindRequest request = SOCKBROKER__V1__BIND_REQUEST__INIT;
	struct arena arena;
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	arena_init(&arena);
	r = api_address_take(addr, addrlen, &arena, &request.address);
	if (r == 0)
		r = api_call(s, &request.base, &request.handle, NULL);
	arena_reset(&arena);
	if (is_not_the_brokers(s, r))
		r = (int)native(bind(fd, addr, addrlen));
	return (int)api_done(__func__, s, r);
}

int sb_listen(int fd, int backlog)
{
	Sockbroker__V1__ListenRequest request = SOCKBROKER__V1__LISTEN_REQUEST__INIT;
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	request.backlog = backlog;
	r = api_call(s, &request.base, &request.handle, NULL);
	if (is_not_the_brokers(s, r))
		r = (int)native(listen(fd, backlog));
	watch_again(s, POLLIN | POLLOUT);
	return (int)api_done(__func__, s, r);
}

/* The stand-in is made first, as the kernel takes the descriptor first: when there
 * is none left, the connection stays in the queue. */
static int accept_into(struct sb_sock *s, struct standin *standin, int flags,
		       struct sockaddr *addr, socklen_t *addrlen)
{
	Sockbroker__V1__AcceptRequest request = SOCKBROKER__V1__ACCEPT_REQUEST__INIT;
	struct sock_birth birth = { .broker = s->broker, .timeout_ns = -1, .type = s->type,
				    .family = s->family, .nonblocking = flags & SOCK_NONBLOCK };
	const int64_t wait_ns = sock_wait_ns(s, 0);
	const Sockbroker__V1__AcceptReply *accepted;
	struct reply reply;
	int r;

	request.handle = s->handle;
	if (wait_ns >= 0) {
		request.timeout_case = SOCKBROKER__V1__ACCEPT_REQUEST__TIMEOUT_TIMEOUT_NS;
		request.timeout_ns = (uint64_t)wait_ns;
	}
	reply_init(&reply);
	r = rpc_call(s->broker, &request.base, &reply);
	if (r < 0) {
		standin_drop(standin);
	} else {
		accepted = (const Sockbroker__V1__AcceptReply *)reply.message;
		(void)api_address_give(accepted->address, addr, addrlen);
		birth.handle = accepted->handle;
		r = api_adopt(standin, &birth);
	}
	reply_free(&reply);
	return r;
}

static int accept_call(const char *call, int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)
{
	struct standin standin;
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(call, r);
	r = flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC) ? -EINVAL : api_address_room(addr, addrlen);
	if (r < 0)
		return (int)api_done(call, s, r);
	if (sock_is_real(s))
		return (int)api_done(call, s, direct_accept(s, addr, addrlen, flags));
	r = standin_make(&standin, 0);
	if (r < 0) {
		sock_put(s);
		return (int)api_local(call, r);
	}
	r = accept_into(s, &standin, flags, addr, addrlen);
	watch_again(s, POLLIN);
	return (int)api_done(call, s, r);
}

int sb_accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)
{
	return accept_call(__func__, fd, addr, addrlen, flags);
}

int sb_accept(int fd, struct sockaddr *addr, socklen_t *addrlen)
{
	return accept_call(__func__, fd, addr, addrlen, 0);
}

static int connect_call(struct sb_sock *s, const struct sockaddr *addr, socklen_t addrlen)
{
	Sockbroker__V1__ConnectRequest request = SOCKBROKER__V1__CONNECT_REQUEST__INIT;
	const int64_t wait_ns = sock_wait_ns(s, 0);
	struct arena arena;
	int r;

	arena_init(&arena);
	request.handle = s->handle;
	if (wait_ns >= 0) {
		request.timeout_case = SOCKBROKER__V1__CONNECT_REQUEST__TIMEOUT_TIMEOUT_NS;
		request.timeout_ns = (uint64_t)wait_ns;
	}
	r = api_address_take(addr, addrlen, &arena, &request.address);
	if (r == 0)
		r = rpc_call(s->broker, &request.base, NULL);
	arena_reset(&arena);
	/* It was shown as a socket without a peer. */
	watch_again(s, POLLIN | POLLOUT);
	return r;
}

int sb_connect(int fd, const struct sockaddr *addr, socklen_t addrlen)
{
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	r = sock_is_real(s) ? direct_connect(s, addr, addrlen) : connect_call(s, addr, addrlen);
	return (int)api_done(__func__, s, r);
}

static int shutdown_call(struct sb_sock *s, int how)
{
	Sockbroker__V1__ShutdownRequest request = SOCKBROKER__V1__SHUTDOWN_REQUEST__INIT;
	int r;

	request.handle = s->handle;
	request.how = how;
	r = rpc_call(s->broker, &request.base, NULL);
	watch_again(s, POLLIN | POLLOUT);
	return r;
}

int sb_shutdown(int fd, int how)
{
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	r = sock_is_real(s) ? (int)native(shutdown(fd, how)) : shutdown_call(s, how);
	return (int)api_done(__func__, s, r);
}

/* Replies that are an address: GetSockName, GetPeerName. */
static int name_call(struct sb_sock *s, const ProtobufCMessage *request, bool peer,
		     struct sockaddr *addr, socklen_t *addrlen)
{
	struct reply reply;
	int r;

	if (!addr || !addrlen)
		return -EFAULT;
	r = api_address_room(addr, addrlen);
	if (r < 0)
		return r;
	reply_init(&reply);
	r = rpc_call(s->broker, request, &reply);
	if (r == 0)
		r = api_address_give(
			peer ? ((const Sockbroker__V1__GetPeerNameReply *)reply.message)->address :
			       ((const Sockbroker__V1__GetSockNameReply *)reply.message)->address,
			addr, addrlen);
	reply_free(&reply);
	return r;
}

int sb_getsockname(int fd, struct sockaddr *addr, socklen_t *addrlen)
{
	Sockbroker__V1__GetSockNameRequest request = SOCKBROKER__V1__GET_SOCK_NAME_REQUEST__INIT;
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	if (sock_is_real(s))
		return (int)api_done(__func__, s, native(getsockname(fd, addr, addrlen)));
	request.handle = s->handle;
	return (int)api_done(__func__, s, name_call(s, &request.base, false, addr, addrlen));
}

int sb_getpeername(int fd, struct sockaddr *addr, socklen_t *addrlen)
{
	Sockbroker__V1__GetPeerNameRequest request = SOCKBROKER__V1__GET_PEER_NAME_REQUEST__INIT;
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	if (sock_is_real(s))
		return (int)api_done(__func__, s, native(getpeername(fd, addr, addrlen)));
	request.handle = s->handle;
	return (int)api_done(__func__, s, name_call(s, &request.base, true, addr, addrlen));
}
