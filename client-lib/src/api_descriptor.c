/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_descriptor.c - real descriptors: sb_detach(), sb_fileno_direct(), sb_fromfd(), sb_attach(),
 * sb_set_direct(), and sb_judge() for who holds one.
 *
 * The broker lets go of a socket only when we have it. What could fail on the way (no descriptor
 * socket, no number left) is tried before the broker is asked for the descriptor, since from
 * then on it counts the socket as one that others hold too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api.h"
#include "api_life.h"
#include "descriptors.h"
#include "fork.h"
#include "sockbroker.h"

/* ---- out of the broker's hands -------------------------------------------------- */

/* What public function @call returns for @result, of @s: as api_done(). */
static int done(const char *call, enum error_origin where, struct sb_sock *s, int result)
{
	if (rpc_has_ended(s->broker) || result == -EPIPE)
		where = ERROR_GONE;
	sock_put(s);
	return (int)error_return(call, where, result);
}

static int ticket_take(struct sb_sock *s, enum error_origin *ret_where)
{
	Sockbroker__V1__GetDescriptorRequest request = SOCKBROKER__V1__GET_DESCRIPTOR_REQUEST__INIT;
	struct reply reply;
	int r;

	request.handle = s->handle;
	reply_init(&reply);
	*ret_where = ERROR_DIRECT;
	r = rpc_call(s->broker, &request.base, &reply);
	if (r == 0) {
		*ret_where = ERROR_DESCRIPTORS;
		r = descriptor_take(s->broker,
				    ((const Sockbroker__V1__GetDescriptorReply *)reply.message)->ticket);
	}
	reply_free(&reply);
	return r;
}

/* O_NONBLOCK of the broker's own, which it keeps as it likes, becomes the stand-in's: also what
 * fcntl(2) has set there, since from now on it will be heeded. */
static int nonblocking_take_over(int standin, int real)
{
	const int shown = fcntl(standin, F_GETFL), flags = fcntl(real, F_GETFL);
	const int wanted = (flags & ~O_NONBLOCK) | (shown & O_NONBLOCK);

	if (shown < 0 || flags < 0 || (wanted != flags && fcntl(real, F_SETFL, wanted) < 0))
		return -errno;
	return 0;
}

/* A real descriptor of the socket, or -errno. */
static int real_of(struct sb_sock *s, int fd, enum error_origin *ret_where)
{
	int real, r, room;

	*ret_where = ERROR_LOCAL;
	room = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (room < 0)
		return -errno;
	if (sock_is_real(s))
		return room;
	*ret_where = ERROR_DESCRIPTORS;
	r = descriptor_ready(s->broker);
	close(room);
	if (r < 0)
		return r;
	real = ticket_take(s, ret_where);
	if (real < 0)
		return real;
	r = nonblocking_take_over(fd, real);
	if (r < 0)
		close(real);
	return r < 0 ? r : real;
}

int sb_fileno_direct(int fd)
{
	enum error_origin where;
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	r = real_of(s, fd, &where);
	return done(__func__, where, s, r);
}

/* It is the real socket as it stands. */
static int forget(int fd)
{
	struct sb_sock *s;
	const int r = table_remove(fd, &s);

	if (r < 0)
		return r;
	sock_put(s);
	return fd;
}

static int detach(struct sb_sock *s, int fd, enum error_origin *ret_where)
{
	int real, r;

	*ret_where = ERROR_LOCAL;
	if (sock_is_real(s))
		return forget(fd);
	real = real_of(s, fd, ret_where);
	if (real < 0)
		return real;
	*ret_where = ERROR_LOCAL;
	r = table_replace(fd, s, real);
	close(real);
	if (r < 0)
		return r;
	/* Waited for: else the program's close(2) might not be the last, and the port not free. */
	(void)sock_close(s);
	sock_put(s); /* the table's */
	return fd;
}

int sb_detach(int fd)
{
	enum error_origin where;
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	r = detach(s, fd, &where);
	return done(__func__, where, s, r);
}

/* ---- into the broker's hands ---------------------------------------------------- */

/* A stand-in is an AF_UNIX socket of this process, so it is none that could be given. */
static int givable(int fd)
{
	struct stat st;
	int domain;
	socklen_t length = sizeof(domain);

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0)
		return -errno;
	return domain == AF_UNIX ? -EOPNOTSUPP : 0;
}

int sb_fromfd_at(sb_broker *given, int fd, int flags)
{
	static const char call[] = "sb_fromfd";
	char ticket[SB_SHARE_BYTES];
	struct sb_broker *b;
	int r = flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC) ? -EINVAL : givable(fd);

	if (r < 0)
		return (int)error_return(call, r == -EINVAL || r == -EBADF ? ERROR_LOCAL : ERROR_GIVEN, r);
	r = api_broker(call, given, &b);
	if (r < 0)
		return r;
	r = descriptor_give(b, fd, ticket);
	if (r < 0)
		r = (int)error_return(call, r == -EPIPE ? ERROR_GONE : ERROR_GIVEN, r);
	else
		r = api_ticket_adopt(call, b, ticket, flags);
	rpc_unref(b);
	return r;
}

int sb_fromfd(int fd, int flags)
{
	return sb_fromfd_at(NULL, fd, flags);
}

/* ---- own sockets of the program --------------------------------------------- */

static int attach(struct sb_broker *b, int fd)
{
	struct sock_birth birth = { .broker = b, .timeout_ns = -1 };
	socklen_t length = sizeof(birth.type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &birth.type, &length) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &birth.family, &length) < 0)
		return -errno;
	return table_attach(fd, &birth);
}

int sb_attach_at(sb_broker *given, int fd)
{
	static const char call[] = "sb_attach";
	struct sb_broker *b;
	struct stat st;
	int r;

	if (sb_is_direct(fd) >= 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return (int)api_local(call, -errno);
	if (!S_ISSOCK(st.st_mode))
		return (int)api_local(call, -ENOTSOCK);
	r = api_broker(call, given, &b);
	if (r < 0)
		return r;
	r = (int)api_local(call, attach(b, fd));
	rpc_unref(b);
	return r;
}

int sb_attach(int fd)
{
	return sb_attach_at(NULL, fd);
}

int sb_is_direct(int fd)
{
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	r = sock_is_real(s);
	sock_put(s);
	return r;
}

/* ---- what policy says --------------------------------------------------------- */

/* Which field of the question an address goes to. */
static int question(Sockbroker__V1__JudgeRequest *q, int action, const struct sockaddr *addr,
		    socklen_t addrlen, struct arena *arena)
{
	static const Sockbroker__V1__JudgeRequest__CallCase cases[] = {
		[SB_ACTION_SOCKET] = SOCKBROKER__V1__JUDGE_REQUEST__CALL_SOCKET,
		[SB_ACTION_DIRECT] = SOCKBROKER__V1__JUDGE_REQUEST__CALL_DIRECT,
		[SB_ACTION_BIND] = SOCKBROKER__V1__JUDGE_REQUEST__CALL_BIND,
		[SB_ACTION_LISTEN] = SOCKBROKER__V1__JUDGE_REQUEST__CALL_LISTEN,
		[SB_ACTION_CONNECT] = SOCKBROKER__V1__JUDGE_REQUEST__CALL_CONNECT,
		[SB_ACTION_SEND] = SOCKBROKER__V1__JUDGE_REQUEST__CALL_SEND,
	};
	const bool known = action > 0 && (size_t)action < sizeof(cases) / sizeof(cases[0]);

	if (!known)
		return -EINVAL;
	q->call_case = cases[action];
	if (action == SB_ACTION_SOCKET || action == SB_ACTION_DIRECT) {
		q->socket = true; /* `direct` lies in the same place */
		return 0;
	}
	return api_address_take(addr, addrlen, arena, &q->bind); /* and so do the addresses */
}

int sb_judge(sb_broker *given, int action, int domain, int type, int protocol,
	     const struct sockaddr *addr, socklen_t addrlen)
{
	Sockbroker__V1__JudgeRequest request = SOCKBROKER__V1__JUDGE_REQUEST__INIT;
	struct arena arena;
	int r;

	arena_init(&arena);
	r = question(&request, action, addr, addrlen, &arena);
	if (r < 0) {
		r = (int)api_local(__func__, r);
	} else {
		request.family = domain;
		request.type = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
		request.protocol = domain == AF_PACKET ? ntohs((uint16_t)protocol) : protocol;
		r = api_ask(__func__, given, &request.base, NULL) < 0 ? -1 : 0;
	}
	arena_reset(&arena);
	return r;
}

int sb_set_direct(sb_broker *given, int direct)
{
	struct sb_broker *b;
	int r;

	if (direct != 0 && direct != 1)
		return (int)api_local(__func__, -EINVAL);
	r = api_broker(__func__, given, &b);
	if (r < 0)
		return r;
	rpc_set_direct(b, direct);
	rpc_unref(b);
	return 0;
}
