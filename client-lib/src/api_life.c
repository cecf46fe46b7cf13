/* SPDX-License-Identifier: Apache-2.0 */
/* api_life.c - the life of a socket: socket, socketpair, dup, close. */
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "api.h"
#include "api_life.h"
#include "direct.h"
#include "sockbroker.h"

/* What may stand beside the type of a new socket. */
enum { TYPE_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC };

/* What a call returns for what the broker said. */
static int refused(const char *call, const struct sb_broker *b, int r)
{
	return (int)error_return(call, rpc_has_ended(b) ? ERROR_GONE : ERROR_BROKER, r);
}

int api_adopt(struct standin *standin, const struct sock_birth *birth)
{
	const int fd = table_add(standin, birth);

	if (fd < 0)
		(void)handle_close(birth->broker, birth->handle);
	return fd;
}

static int socket_new(struct sb_broker *b, int domain, int type, int protocol)
{
	Sockbroker__V1__SocketRequest request = SOCKBROKER__V1__SOCKET_REQUEST__INIT;
	struct sock_birth birth = { .broker = b, .timeout_ns = -1 };
	struct standin standin;
	struct reply reply;
	int r;

	request.family = birth.family = domain;
	request.type = birth.type = type & ~TYPE_FLAGS;
	request.protocol = domain == AF_PACKET ? ntohs((uint16_t)protocol) : protocol;
	birth.nonblocking = type & SOCK_NONBLOCK;
	if (direct_is_wanted(b, domain))
		return refused("sb_socket", b, direct_socket(&request, &birth));
	r = standin_make(&standin, 0);
	if (r < 0)
		return (int)api_local("sb_socket", r);
	reply_init(&reply);
	r = rpc_call(b, &request.base, &reply);
	if (r < 0) {
		standin_drop(&standin);
		reply_free(&reply);
		return refused("sb_socket", b, r);
	}
	birth.handle = ((const Sockbroker__V1__SocketReply *)reply.message)->handle;
	reply_free(&reply);
	return (int)api_local("sb_socket", api_adopt(&standin, &birth));
}

int sb_socket_at(sb_broker *given, int domain, int type, int protocol)
{
	struct sb_broker *b;
	int r = api_broker("sb_socket", given, &b);

	if (r < 0)
		return r;
	r = socket_new(b, domain, type, protocol);
	rpc_unref(b);
	return r;
}

int sb_socket(int domain, int type, int protocol)
{
	return sb_socket_at(NULL, domain, type, protocol);
}

static int pair_call(struct sb_broker *b, int domain, int type, int protocol, uint32_t handles[2])
{
	Sockbroker__V1__SocketPairRequest request = SOCKBROKER__V1__SOCKET_PAIR_REQUEST__INIT;
	const Sockbroker__V1__SocketPairReply *pair;
	struct reply reply;
	int r;

	request.family = domain;
	request.type = type & ~TYPE_FLAGS;
	request.protocol = protocol;
	reply_init(&reply);
	r = rpc_call(b, &request.base, &reply);
	if (r == 0) {
		pair = (const Sockbroker__V1__SocketPairReply *)reply.message;
		handles[0] = pair->handle;
		handles[1] = pair->handle2;
	}
	reply_free(&reply);
	return r;
}

static int pair_adopt(struct sb_broker *b, struct standin standins[2], const uint32_t handles[2],
		      int type, int sv[2])
{
	struct sock_birth birth = { .broker = b, .timeout_ns = -1, .handle = handles[0],
				    .type = type & ~TYPE_FLAGS,
				    .nonblocking = type & SOCK_NONBLOCK };
	const int first = api_adopt(&standins[0], &birth);
	int second;

	birth.handle = handles[1];
	second = api_adopt(&standins[1], &birth);
	if (first >= 0 && second >= 0) {
		sv[0] = first;
		sv[1] = second;
		return 0;
	}
	if (first >= 0)
		(void)sb_close(first);
	if (second >= 0)
		(void)sb_close(second);
	return first < 0 ? first : second;
}

static int pair_new(struct sb_broker *b, int domain, int type, int protocol, int sv[2])
{
	struct standin standins[2];
	uint32_t handles[2];
	int r;

	r = standin_make(&standins[0], 0);
	if (r < 0)
		return (int)api_local("sb_socketpair", r);
	r = standin_make(&standins[1], 0);
	if (r < 0) {
		standin_drop(&standins[0]);
		return (int)api_local("sb_socketpair", r);
	}
	r = pair_call(b, domain, type, protocol, handles);
	if (r < 0) {
		standin_drop(&standins[0]);
		standin_drop(&standins[1]);
		return refused("sb_socketpair", b, r);
	}
	return (int)api_local("sb_socketpair", pair_adopt(b, standins, handles, type, sv));
}

int sb_socketpair_at(sb_broker *given, int domain, int type, int protocol, int sv[2])
{
	struct sb_broker *b;
	int r;

	if (!sv)
		return (int)api_local("sb_socketpair", -EFAULT);
	r = api_broker("sb_socketpair", given, &b);
	if (r < 0)
		return r;
	r = pair_new(b, domain, type, protocol, sv);
	rpc_unref(b);
	return r;
}

int sb_socketpair(int domain, int type, int protocol, int sv[2])
{
	return sb_socketpair_at(NULL, domain, type, protocol, sv);
}

int api_dup(struct sb_sock *s, int at_least)
{
	Sockbroker__V1__DupRequest request = SOCKBROKER__V1__DUP_REQUEST__INIT;
	struct sock_birth birth = { .broker = s->broker, .type = s->type, .family = s->family,
				    .nonblocking = s->nonblocking, .timeout_ns = s->timeout_ns };
	struct standin standin;
	struct reply reply;
	int r;

	if (sock_is_real(s))
		return direct_dup(s, at_least);
	r = standin_make(&standin, at_least);
	if (r < 0)
		return r;
	request.handle = s->handle;
	reply_init(&reply);
	r = rpc_call(s->broker, &request.base, &reply);
	if (r < 0) {
		standin_drop(&standin);
	} else {
		birth.handle = ((const Sockbroker__V1__DupReply *)reply.message)->handle;
		r = api_adopt(&standin, &birth);
	}
	reply_free(&reply);
	return r;
}

int sb_dup(int fd)
{
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	return (int)api_done(__func__, s, api_dup(s, 0));
}

int sb_close(int fd)
{
	struct sb_sock *s;
	int r = table_remove(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	if (sock_is_real(s)) {
		r = direct_look(fd);
		return (int)api_done(__func__, s, r < 0 ? r : native(close(fd)));
	}
	/* The number is free at once, as close(2) frees it, though the socket may
	 * linger. */
	close(fd);
	r = sock_close(s);
	return (int)api_done(__func__, s, r);
}
