/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptors.c - one packet out, one packet in, each with a descriptor or without.
 *
 *   take     TicketRequest{take} ──►        ◄── TicketReply        + SCM_RIGHTS
 *   give     TicketRequest{give} + SCM_RIGHTS ──►        ◄── TicketReply{ticket}
 *
 * The broker ends a connection that is idle, so one that we kept may have ended: then all is
 * asked again on a new one, once. After any trouble the connection is closed: an answer that comes
 * late must not be taken for the next one's.
 */
#include "descriptors.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "deadline.h"
#include "error.h"
#include "rpc.h"
#include "sockbroker/v1/descriptor.pb-c.h"
#include "wire/arena.h"

typedef Sockbroker__V1__TicketRequest Request;
typedef Sockbroker__V1__TicketReply Reply;

enum { REQUEST_BYTES_MAX = 128, REPLY_BYTES_MAX = 256, PATIENCE_MS = 10000 };
/* Room for more than the one that is right: what is too much is then seen, and closed. */
enum { DESCRIPTORS_MOST = 4 };

struct exchange {
	const Request *request;
	int give;             /* -1: none */
	int taken;            /* -1: none came */
	int error;            /* the broker's */
	char ticket[SB_SHARE_BYTES];
};

/* ------------------------------------------------------------------------ */
/* The connection                                                           */
/* ------------------------------------------------------------------------ */

void descriptor_line_init(struct descriptor_line *line)
{
	pthread_mutex_init(&line->lock, NULL);
	line->fd = -1;
}

void descriptor_line_close(struct descriptor_line *line)
{
	if (line->fd >= 0)
		close(line->fd);
	line->fd = -1;
}

/* Where no socket listens beside a broker that lives, there is none of that kind. */
static int connect_error(const struct sb_broker *b, int error)
{
	if (rpc_is_cut(b))
		return -EPIPE;
	if (error == ENOENT || error == ECONNREFUSED || error == EPROTOTYPE)
		return -EOPNOTSUPP;
	return error == EAGAIN ? -ETIMEDOUT : -error;
}

static int line_connect(const struct sb_broker *b, struct descriptor_line *line)
{
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const int n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s.fd", rpc_path(b));
	int r = 0;

	if (n < 0 || (size_t)n >= sizeof(sun.sun_path))
		return -EOPNOTSUPP; /* nor could the broker bind it */
	line->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (line->fd < 0)
		return -errno;
	/* A full backlog makes connect(2) wait: not for ever. */
	(void)setsockopt(line->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	do {
		r = connect(line->fd, (const struct sockaddr *)&sun, sizeof(sun));
	} while (r < 0 && errno == EINTR);
	if (r < 0) {
		r = connect_error(b, errno);
		descriptor_line_close(line);
	}
	return r;
}

/* ------------------------------------------------------------------------ */
/* One exchange                                                             */
/* ------------------------------------------------------------------------ */

/* Returns 0, -ETIMEDOUT, -errno. */
static int line_wait(int fd, short event, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = event };
	int r;

	do {
		r = poll(&p, 1, (int)((deadline_left(deadline) + NS_PER_MS - 1) / NS_PER_MS));
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	return r ? 0 : -ETIMEDOUT;
}

/* -EPIPE: the connection has ended. */
static int line_error(int error)
{
	return error == ECONNRESET || error == ENOTCONN ? -EPIPE : -error;
}

static int line_send(int line, const struct exchange *x, int64_t deadline)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	uint8_t bytes[REQUEST_BYTES_MAX];
	struct iovec iov = { .iov_base = bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	int r;

	if (protobuf_c_message_get_packed_size(&x->request->base) > sizeof(bytes))
		return -ENOENT; /* no ticket is so long */
	iov.iov_len = protobuf_c_message_pack(&x->request->base, bytes);
	if (x->give >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &x->give, sizeof(int));
	}
	while (sendmsg(line, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return line_error(errno);
		r = line_wait(line, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* All descriptors of @msg into @fds, which has room for as many as its control
 * buffer. False: something else came too. */
static bool descriptors_collect(struct msghdr *msg, int *fds, size_t *ret_n)
{
	bool clean = true;
	size_t here, n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    c->cmsg_len < CMSG_LEN(0)) {
			clean = false;
			continue;
		}
		here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		memcpy(fds + n, CMSG_DATA(c), here * sizeof(int));
		n += here;
	}
	*ret_n = n;
	return clean;
}

/* Exactly one, or none. */
static int descriptor_of(struct msghdr *msg, int *ret)
{
	int fds[DESCRIPTORS_MOST];
	size_t n;
	const bool clean = descriptors_collect(msg, fds, &n);

	if (clean && n <= 1 && !(msg->msg_flags & (MSG_CTRUNC | MSG_TRUNC))) {
		*ret = n ? fds[0] : -1;
		return 0;
	}
	close_all(fds, n);
	/* The kernel found no number for it. */
	return clean && !n && (msg->msg_flags & MSG_CTRUNC) ? -EMFILE : -EPROTO;
}

static int reply_read(const uint8_t *bytes, size_t length, struct exchange *x)
{
	struct arena arena;
	const Reply *reply;
	int r = -EPROTO;

	arena_init(&arena);
	reply = sockbroker__v1__ticket_reply__unpack(&arena.allocator, length, bytes);
	if (reply && strlen(reply->ticket) < sizeof(x->ticket) && (int)reply->error >= 0) {
		x->error = (int)reply->error;
		strcpy(x->ticket, reply->ticket);
		r = 0;
	}
	arena_reset(&arena);
	return r;
}

static int line_receive_one(int line, struct exchange *x, int64_t deadline)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(DESCRIPTORS_MOST * sizeof(int))];
	uint8_t bytes[REPLY_BYTES_MAX];
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n;
	int r;

	while ((n = recvmsg(line, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return line_error(errno);
		r = line_wait(line, POLLIN, deadline);
		if (r < 0)
			return r;
	}
	r = descriptor_of(&msg, &x->taken);
	if (r < 0)
		return r;
	if (n == 0)
		r = -EPIPE;
	if (r == 0)
		r = reply_read(bytes, (size_t)n, x);
	if (r < 0 && x->taken >= 0)
		close(x->taken);
	return r;
}

/* A `take` that succeeded comes with a descriptor, and a second reply says that the broker has
 * closed its own: until then close(2) of ours would not be the last. */
static int line_receive(int line, struct exchange *x, int64_t deadline)
{
	const bool take = x->give < 0;
	struct exchange second = { .taken = -1 };
	int r = line_receive_one(line, x, deadline);

	if (r < 0)
		return r;
	if ((x->taken >= 0) != (take && !x->error))
		r = -EPROTO;
	else if (x->taken >= 0)
		r = line_receive_one(line, &second, deadline);
	if (second.taken >= 0) {
		close(second.taken);
		r = -EPROTO;
	}
	if (r < 0 && x->taken >= 0)
		close(x->taken);
	return r;
}

static int line_try(struct descriptor_line *line, struct exchange *x)
{
	const int64_t deadline = deadline_of((int64_t)PATIENCE_MS * NS_PER_MS);
	int r = line_send(line->fd, x, deadline);

	if (r == 0)
		r = line_receive(line->fd, x, deadline);
	if (r < 0)
		descriptor_line_close(line);
	return r;
}

static int line_exchange(struct sb_broker *b, struct exchange *x)
{
	struct descriptor_line *line = rpc_line(b);
	bool kept;
	int r = 0;

	pthread_mutex_lock(&line->lock);
	kept = line->fd >= 0;
	if (kept)
		r = line_try(line, x);
	if (!kept || r == -EPIPE) {
		r = line_connect(b, line);
		if (r == 0)
			r = line_try(line, x);
	}
	pthread_mutex_unlock(&line->lock);
	if (r == -EPIPE && !rpc_is_cut(b))
		return -EMFILE; /* it does not want another connection of this user's */
	return r ? r : -x->error;
}

/* ------------------------------------------------------------------------ */
/* What the library asks                                                    */
/* ------------------------------------------------------------------------ */

int descriptor_ready(struct sb_broker *b)
{
	struct descriptor_line *line = rpc_line(b);
	int r = 0;

	pthread_mutex_lock(&line->lock);
	/* What has ended, or says something unasked, is of no use any more. */
	if (line->fd >= 0 && line_wait(line->fd, POLLIN | POLLRDHUP, 0) == 0)
		descriptor_line_close(line);
	if (line->fd < 0)
		r = line_connect(b, line);
	pthread_mutex_unlock(&line->lock);
	return r;
}

int descriptor_take(struct sb_broker *b, const char *ticket)
{
	Request request = SOCKBROKER__V1__TICKET_REQUEST__INIT;
	struct exchange x = { .request = &request, .give = -1, .taken = -1 };
	int r;

	request.what_case = SOCKBROKER__V1__TICKET_REQUEST__WHAT_TAKE;
	request.take = (char *)(uintptr_t)ticket;
	r = line_exchange(b, &x);
	return r < 0 ? r : x.taken;
}

int descriptor_give(struct sb_broker *b, int fd, char ticket[SB_SHARE_BYTES])
{
	Request request = SOCKBROKER__V1__TICKET_REQUEST__INIT;
	struct exchange x = { .request = &request, .give = fd, .taken = -1 };
	int r;

	if (fd < 0)
		return -EBADF;
	request.what_case = SOCKBROKER__V1__TICKET_REQUEST__WHAT_GIVE;
	request.give = true;
	r = line_exchange(b, &x);
	if (r == 0)
		strcpy(ticket, x.ticket);
	return r;
}
