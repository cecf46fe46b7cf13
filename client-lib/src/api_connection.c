/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_connection.c - sb_create_connection(): a name and a port become a connected
 * socket.
 *
 * An attempt is one message with up to four requests: close what the attempt before
 * left, make a socket, bind it, connect it. The last three are linked: when one
 * fails the broker cancels those after it. The number of the socket is ours to choose,
 * so that the later requests can name it.
 */
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "api.h"
#include "api_life.h"
#include "broker.h"
#include "direct.h"
#include "sockbroker.h"

struct attempts {
	struct sb_broker *broker;
	int64_t timeout_ns;
	Sockbroker__V1__Address *source; /* NULL: none */
	uint32_t left;                   /* the handle of a failed attempt, to be closed; 0: none */
};

/* The first that failed, and was not just cancelled for another. */
static int steps_error(const struct rpc_step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (steps[i].error)
			return steps[i].error;
	return 0;
}

static int attempt_send(struct attempts *a, Sockbroker__V1__SocketRequest *make,
			Sockbroker__V1__Address *address)
{
	Sockbroker__V1__CloseRequest close = SOCKBROKER__V1__CLOSE_REQUEST__INIT;
	Sockbroker__V1__BindRequest bind = SOCKBROKER__V1__BIND_REQUEST__INIT;
	Sockbroker__V1__ConnectRequest connect = SOCKBROKER__V1__CONNECT_REQUEST__INIT;
	struct rpc_step steps[4];
	size_t n = 0, first;

	close.handle = a->left;
	bind.handle = connect.handle = make->new_handle;
	bind.address = a->source;
	connect.address = address;
	if (a->timeout_ns >= 0) {
		connect.timeout_case = SOCKBROKER__V1__CONNECT_REQUEST__TIMEOUT_TIMEOUT_NS;
		connect.timeout_ns = (uint64_t)a->timeout_ns;
	}
	if (a->left)
		steps[n++] = (struct rpc_step){ .request = &close.base };
	first = n;
	steps[n++] = (struct rpc_step){ .request = &make->base };
	if (a->source)
		steps[n++] = (struct rpc_step){ .request = &bind.base, .linked = true };
	steps[n++] = (struct rpc_step){ .request = &connect.base, .linked = true };
	rpc_call_steps(a->broker, steps, n);
	a->left = steps[first].error ? 0 : make->new_handle;
	return steps_error(steps + first, n - first);
}

/* Returns 0 or -errno. A number that is taken (after two thousand million others) is
 * only passed over. */
static int attempt(struct attempts *a, const struct addrinfo *to)
{
	Sockbroker__V1__SocketRequest make = SOCKBROKER__V1__SOCKET_REQUEST__INIT;
	Sockbroker__V1__Address *address;
	struct arena arena;
	int r;

	make.family = to->ai_family;
	make.type = to->ai_socktype;
	make.protocol = to->ai_protocol;
	arena_init(&arena);
	r = api_address_take(to->ai_addr, to->ai_addrlen, &arena, &address);
	while (r == 0) {
		make.new_handle = rpc_new_handle(a->broker);
		r = attempt_send(a, &make, address);
		if (r != -EEXIST || a->left)
			break;
		r = 0;
	}
	arena_reset(&arena);
	return r == -EAGAIN || r == -EINPROGRESS ? -ETIMEDOUT : r;
}

static int try_all(struct attempts *a, const struct addrinfo *list)
{
	Sockbroker__V1__CloseRequest close = SOCKBROKER__V1__CLOSE_REQUEST__INIT;
	int r = -EADDRNOTAVAIL;

	for (const struct addrinfo *to = list; to && r != -EINTR; to = to->ai_next) {
		r = attempt(a, to);
		if (r == 0)
			return 0;
	}
	close.handle = a->left;
	if (a->left)
		(void)rpc_tell(a->broker, &close.base);
	return r;
}

static int lookup_error(int eai)
{
	switch (eai) {
	case EAI_SYSTEM:
		return -errno;
	case EAI_AGAIN:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_FAIL:
		return -EIO;
	case EAI_SERVICE:
	case EAI_SOCKTYPE:
		return -EINVAL;
	default:
		return -EADDRNOTAVAIL;
	}
}

/* Takes the stand-in. Returns what the public function does. */
static int connect_first(struct attempts *a, const struct addrinfo *list, struct standin *standin)
{
	struct sock_birth birth = { .broker = a->broker, .type = SOCK_STREAM,
				    .timeout_ns = a->timeout_ns };
	int r = try_all(a, list);

	if (r < 0) {
		standin_drop(standin);
		return (int)error_return("sb_create_connection",
					 rpc_has_ended(a->broker) ? ERROR_GONE : ERROR_BROKER, r);
	}
	birth.handle = a->left;
	return (int)api_local("sb_create_connection", direct_adopt(standin, &birth));
}

static int connect_name(struct attempts *a, const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	struct standin standin;
	int r = sb_getaddrinfo_at(a->broker, host, port, &hints, a->timeout_ns ? a->timeout_ns : -1,
				  &list);

	if (r != 0)
		return (int)error_return("sb_create_connection", ERROR_LOOKUP, lookup_error(r));
	r = standin_make(&standin, 0);
	r = r < 0 ? (int)api_local("sb_create_connection", r) : connect_first(a, list, &standin);
	sb_freeaddrinfo(list);
	return r;
}

int sb_create_connection_at(sb_broker *broker, const char *host, const char *port, int64_t timeout_ns,
			    const struct sockaddr *source, socklen_t sourcelen)
{
	struct attempts a = { .timeout_ns = timeout_ns };
	struct arena arena;
	int r;

	arena_init(&arena);
	r = source ? api_address_take(source, sourcelen, &arena, &a.source) : 0;
	r = r < 0 ? (int)api_local("sb_create_connection", r) :
		    api_broker("sb_create_connection", broker, &a.broker);
	if (r == 0) {
		r = connect_name(&a, host, port);
		rpc_unref(a.broker);
	}
	arena_reset(&arena);
	return r;
}

int sb_create_connection(const char *host, const char *port, int64_t timeout_ns,
			 const struct sockaddr *source, socklen_t sourcelen)
{
	return sb_create_connection_at(NULL, host, port, timeout_ns, source, sourcelen);
}
