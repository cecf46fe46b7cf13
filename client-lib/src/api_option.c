/* SPDX-License-Identifier: Apache-2.0 */
/* api_option.c - getsockopt, setsockopt, ioctl, fcntl, and the time limit. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "api.h"
#include "api_life.h"
#include "data.h"
#include "direct.h"
#include "sockbroker.h"
#include "watch.h"
#include "wire/ioctls.h"
#include "wire/sockopt.h"

/* ------------------------------------------------------------------------ */
/* Options                                                                  */
/* ------------------------------------------------------------------------ */

static int option_take(const struct sockopt *row, const Sockbroker__V1__GetOptionReply *got,
		       void *optval, socklen_t *optlen)
{
	const uint32_t length = got->length < *optlen ? got->length : *optlen;
	char small[512] __attribute__((aligned(8)));
	void *large = NULL, *value = small;
	socklen_t size = sizeof(small);
	int r;

	if (!length) {
		*optlen = 0;
		return 0;
	}
	/* Not into optval: it may be shorter than what the kind takes. */
	if (length > sizeof(small) || row->kind == SOCKOPT_FILTER) {
		size = SOCKOPT_BYTES_MAX;
		value = large = malloc(size);
		if (!large)
			return -ENOMEM;
	}
	r = sockopt_decode(row, got->value, &length, value, size, &size);
	if (r == 0) {
		memcpy(optval, value, size < *optlen ? size : *optlen);
		*optlen = got->length;
	}
	free(large);
	return r < 0 ? -EPROTO : 0;
}

/* SO_GET_FILTER: optlen counts instructions. */
static int program_take(const struct sockopt *row, const Sockbroker__V1__GetOptionReply *got,
			void *optval, socklen_t *optlen)
{
	size_t n = 0;
	int r = 0;

	(void)row;
	if (*optlen && got->length)
		r = sockopt_program_decode(got->value, optval, *optlen, &n);
	if (r == 0)
		*optlen = got->length;
	return r < 0 ? -EPROTO : 0;
}

/* Bluetooth's levels have numbers that mean something else elsewhere; only if this
 * is one of them does it matter of which family a received socket is. */
static const struct sockopt *option_row(struct sb_sock *s, int level, int name)
{
	int family = s->family;

	if (!family && level != SOL_SOCKET && sockopt_find_for(AF_BLUETOOTH, level, name))
		family = sock_ask(s, SO_DOMAIN, &s->family);
	return sockopt_find_for(family, level, name);
}

static int option_get(struct sb_sock *s, int level, int optname, void *optval, socklen_t *optlen)
{
	Sockbroker__V1__GetOptionRequest request = SOCKBROKER__V1__GET_OPTION_REQUEST__INIT;
	const struct sockopt *row = option_row(s, level, optname);
	struct arena arena;
	struct reply reply;
	int r = 0;

	if (!optlen || (!optval && *optlen))
		return -EFAULT;
	if ((int)*optlen < 0)
		return -EINVAL;
	if (!row || !(row->access & SOCKOPT_GET))
		return -ENOPROTOOPT;

	request.level = level;
	request.name = optname;
	request.length = *optlen < SOCKOPT_BYTES_MAX ? *optlen : SOCKOPT_BYTES_MAX;
	arena_init(&arena);
	reply_init(&reply);
	if (row->access & SOCKOPT_ASK)
		r = sockopt_encode(row, optval, request.length, &arena.allocator,
				   &request.argument);
	if (r == 0)
		r = api_call(s, &request.base, &request.handle, &reply);
	if (r == 0)
		r = (row->kind == SOCKOPT_FILTER ? program_take : option_take)(
			row, (const Sockbroker__V1__GetOptionReply *)reply.message, optval, optlen);
	reply_free(&reply);
	arena_reset(&arena);
	return r;
}

/* The kernel's word, unless it is that this process may not. */
static int real_get(struct sb_sock *s, int level, int optname, void *optval, socklen_t *optlen)
{
	const int r = (int)native(getsockopt(s->real, level, optname, optval, optlen));

	return direct_is_refused(r) ? option_get(s, level, optname, optval, optlen) : r;
}

int sb_getsockopt(int fd, int level, int optname, void *optval, socklen_t *optlen)
{
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	r = sock_is_real(s) ? real_get(s, level, optname, optval, optlen) :
			      option_get(s, level, optname, optval, optlen);
	/* The error is taken: what was shown for it is over. */
	if (level == SOL_SOCKET && optname == SO_ERROR)
		watch_again(s, POLLIN | POLLOUT);
	return (int)api_done(__func__, s, r);
}

static int option_set(struct sb_sock *s, int level, int optname, const void *optval,
		      socklen_t optlen)
{
	Sockbroker__V1__SetOptionRequest request = SOCKBROKER__V1__SET_OPTION_REQUEST__INIT;
	const struct sockopt *row = option_row(s, level, optname);
	struct arena arena;
	int r;

	if ((int)optlen < 0)
		return -EINVAL;
	if (!optval && optlen && !(row && row->kind == SOCKOPT_LENGTH))
		return -EFAULT;
	if (!row || !(row->access & SOCKOPT_SET))
		return -ENOPROTOOPT;

	arena_init(&arena);
	request.level = level;
	request.name = optname;
	request.size_case = SOCKBROKER__V1__SET_OPTION_REQUEST__SIZE_LENGTH;
	request.length = optlen;
	r = sockopt_encode(row, optval ? optval : "", optlen, &arena.allocator, &request.value);
	if (r == 0)
		r = api_call(s, &request.base, &request.handle, NULL);
	arena_reset(&arena);
	return r;
}

static int real_set(struct sb_sock *s, int level, int optname, const void *optval, socklen_t optlen)
{
	const int r = (int)native(setsockopt(s->real, level, optname, optval, optlen));

	return direct_is_refused(r) ? option_set(s, level, optname, optval, optlen) : r;
}

int sb_setsockopt(int fd, int level, int optname, const void *optval, socklen_t optlen)
{
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	r = sock_is_real(s) ? real_set(s, level, optname, optval, optlen) :
			      option_set(s, level, optname, optval, optlen);
	return (int)api_done(__func__, s, r);
}

/* ------------------------------------------------------------------------ */
/* ioctl                                                                    */
/* ------------------------------------------------------------------------ */

static size_t argument_bytes(enum ioctl_kind kind)
{
	switch (kind) {
	case IOCTL_INTEGER:
		return sizeof(int);
	case IOCTL_TIMEVAL:
		return sizeof(struct timeval);
	case IOCTL_TIMESPEC:
		return sizeof(struct timespec);
	case IOCTL_IFCONF:
		return sizeof(struct ifconf);
	case IOCTL_KEEP_ALIVE:
		return sizeof(struct ioctl_keep_alive);
	default:
		return sizeof(struct ifreq);
	}
}

static int ioctl_call(struct sb_sock *s, const struct ioctl_row *row, void *argument)
{
	Sockbroker__V1__IoctlRequest request = SOCKBROKER__V1__IOCTL_REQUEST__INIT;
	const size_t bytes = argument_bytes(row->kind);
	const Sockbroker__V1__IoctlReply *got;
	union ioctl_argument value = { 0 };
	struct arena arena;
	struct reply reply;
	int r = 0;

	arena_init(&arena);
	reply_init(&reply);
	request.request = (uint32_t)row->request;
	memcpy(&value, argument, bytes);
	if (row->reads)
		r = ioctl_encode(row, &value, &arena.allocator, &request.value);
	if (r == 0)
		r = api_call(s, &request.base, &request.handle, &reply);
	if (r == 0) {
		got = (const Sockbroker__V1__IoctlReply *)reply.message;
		if (row->kind == IOCTL_IFCONF)
			r = ioctl_conf_decode(got->value, &value.ifconf) < 0 ? -EPROTO : 0;
		else if (row->writes)
			r = ioctl_decode(row, got->value, &value) < 0 ? -EPROTO : 0;
		if (r == 0 && row->writes)
			memcpy(argument, &value, bytes);
		if (r == 0)
			r = got->result;
	}
	reply_free(&reply);
	arena_reset(&arena);
	return r;
}

static int ioctl_any(struct sb_sock *s, int fd, unsigned long request, void *argument)
{
	const struct ioctl_row *row;

	if (request == FIOCLEX || request == FIONCLEX)
		return ioctl(fd, request) < 0 ? -errno : 0;
	row = ioctl_find(request);
	if (!row && request != FIONBIO)
		return -ENOTTY;
	if (!argument)
		return -EFAULT;
	if (row)
		return ioctl_call(s, row, argument);

	/* Whether a call waits is decided here, for each. */
	sock_set_nonblocking(s, fd, *(const int *)argument != 0);
	return 0;
}

/* What the kernel refuses, or has not got, the broker may do. Not SIO_RCVALL, whose datagrams
 * would come to the broker. */
static int ioctl_real(struct sb_sock *s, unsigned long request, void *argument)
{
	const struct ioctl_row *row = ioctl_find(request);
	int r;

	if (request == SIO_RCVALL)
		return -EOPNOTSUPP;
	r = (int)native(ioctl(s->real, request, argument));
	if (row && argument && (direct_is_refused(r) || r == -ENOTTY))
		return ioctl_call(s, row, argument);
	return r;
}

int sb_ioctl(int fd, unsigned long request, ...)
{
	struct sb_sock *s;
	void *argument;
	va_list list;
	int r = table_get(fd, &s);

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (r < 0)
		return (int)api_local(__func__, r);
	/* The upper half is sign extension, where int was passed for it. */
	request &= UINT32_MAX;
	r = sock_is_real(s) ? ioctl_real(s, request, argument) : ioctl_any(s, fd, request, argument);
	return (int)api_done(__func__, s, r);
}

/* ------------------------------------------------------------------------ */
/* fcntl, and the time limit                                                */
/* ------------------------------------------------------------------------ */

static int fcntl_any(struct sb_sock *s, int fd, int cmd, int argument)
{
	int r;

	if (sock_is_real(s) && (cmd == F_GETFL || cmd == F_SETFL))
		return (int)native(fcntl(fd, cmd, argument));
	switch (cmd) {
	case F_GETFL:
		return O_RDWR | (s->nonblocking ? O_NONBLOCK : 0);
	case F_SETFL:
		sock_set_nonblocking(s, fd, argument & O_NONBLOCK);
		return 0;
	case F_GETFD:
	case F_SETFD:
		r = fcntl(fd, cmd, argument);
		return r < 0 ? -errno : r;
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return argument < 0 ? -EINVAL : api_dup(s, argument);
	default:
		return -EINVAL;
	}
}

int sb_fcntl(int fd, int cmd, ...)
{
	struct sb_sock *s;
	va_list list;
	int argument, r = table_get(fd, &s);

	va_start(list, cmd);
	argument = va_arg(list, int);
	va_end(list);
	if (r < 0)
		return (int)api_local(__func__, r);
	return (int)api_done(__func__, s, fcntl_any(s, fd, cmd, argument));
}

int sb_set_timeout(int fd, int64_t timeout_ns)
{
	struct sb_sock *s;
	int r = table_get(fd, &s);

	if (r < 0)
		return (int)api_local(__func__, r);
	s->timeout_ns = timeout_ns < 0 ? -1 : timeout_ns;
	return (int)api_done(__func__, s, 0);
}
