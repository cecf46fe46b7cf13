/* SPDX-License-Identifier: Apache-2.0 */
/* direct_connection.c - connect(2) and accept(2), on real sockets. */
#include "direct.h"

#include <fcntl.h>
#include <poll.h>

#include "direct_wait.h"
#include "sockbroker.h"
#include "wire/kind.h"

/* ------------------------------------------------------------------------ */
/* connect                                                                  */
/* ------------------------------------------------------------------------ */

static int judge(const struct sb_sock *s, const struct sockaddr *addr, socklen_t addrlen)
{
	const int r = sb_judge(s->broker, SB_ACTION_CONNECT, direct_option(s, SO_DOMAIN),
			       direct_option(s, SO_TYPE), kind_protocol(s->real), addr, addrlen);

	return r < 0 ? -errno : 0;
}

struct connecting {
	struct attempt attempt; /* first */
	const struct sockaddr *addr;
	socklen_t addrlen;
	bool begun;
};

/* There is no MSG_DONTWAIT for it: O_NONBLOCK, for the moment. */
static int connect_now(int fd, const struct sockaddr *addr, socklen_t addrlen)
{
	const int flags = fcntl(fd, F_GETFL);
	int r;

	if (flags >= 0 && !(flags & O_NONBLOCK))
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	r = (int)native(connect(fd, addr, addrlen));
	if (flags >= 0 && !(flags & O_NONBLOCK))
		(void)fcntl(fd, F_SETFL, flags);
	return r;
}

/* connect(2) is called again to learn how it ended: SO_ERROR, if it is read, is not there any
 * more for that call, which then says something else. */
static ssize_t connect_once(struct attempt *a)
{
	struct connecting *c = (struct connecting *)a;
	const int r = connect_now(a->sock->real, c->addr, c->addrlen);

	if (r == -EISCONN && c->begun)
		return 0;
	if (r != -EINPROGRESS && r != -EALREADY)
		return r;
	c->begun = true;
	return -EAGAIN;
}

static int connect_patiently(struct sb_sock *s, const struct sockaddr *addr, socklen_t addrlen,
			     bool begun)
{
	struct connecting c = { .attempt = { .sock = s, .event = POLLOUT, .timeout_ns = -1,
					     .once = connect_once },
				.addr = addr, .addrlen = addrlen, .begun = begun };
	const int r = (int)attempt_go_on(&c.attempt);

	return r == -EAGAIN && c.begun ? -EINPROGRESS : r;
}

int direct_connect(struct sb_sock *s, const struct sockaddr *addr, socklen_t addrlen)
{
	int r = judge(s, addr, addrlen);

	if (r < 0)
		return r;
	if (!must_see_to_waiting(s)) {
		r = (int)native(connect(s->real, addr, addrlen));
		if (r != -EINTR)
			return r;
	}
	/* It goes on after a signal. */
	return connect_patiently(s, addr, addrlen, r == -EINTR);
}

/* ------------------------------------------------------------------------ */
/* accept                                                                   */
/* ------------------------------------------------------------------------ */

struct accepting {
	struct attempt attempt; /* first */
	struct sockaddr *addr;
	socklen_t *addrlen;
	int flags;
};

static int adopt(const struct sb_sock *listener, int fd)
{
	const struct sock_birth birth = { .broker = listener->broker, .type = listener->type,
					  .family = listener->family, .timeout_ns = -1 };

	return fd < 0 ? fd : table_add_real(fd, &birth);
}

/*
 * There is no MSG_DONTWAIT for it either, and here O_NONBLOCK, which all who have the listener share,
 * would make others' calls fail. So it is only asked for what is there; in this process nobody else takes it
 * meanwhile. (If another process does, the call waits for the next.)
 */
static ssize_t accept_once(struct attempt *a)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct accepting *x = (struct accepting *)a;
	struct pollfd p = { .fd = a->sock->real, .events = POLLIN };
	ssize_t r = -EAGAIN;

	pthread_mutex_lock(&lock);
	/* What does not listen has nothing to wait for. */
	if (poll(&p, 1, 0) != 0 || !direct_option(a->sock, SO_ACCEPTCONN))
		r = native(accept4(p.fd, x->addr, x->addrlen, x->flags));
	pthread_mutex_unlock(&lock);
	return r == -EINTR ? -EAGAIN : r;
}

int direct_accept(struct sb_sock *s, struct sockaddr *addr, socklen_t *addrlen, int flags)
{
	struct accepting x = { .attempt = { .sock = s, .event = POLLIN, .timeout_ns = -1,
					    .once = accept_once },
			       .addr = addr, .addrlen = addrlen, .flags = flags | SOCK_CLOEXEC };
	ssize_t r;

	if (must_see_to_waiting(s))
		return adopt(s, (int)attempt_go_on(&x.attempt));
	r = native(accept4(s->real, addr, addrlen, x.flags));
	if (r == -EINTR)
		r = attempt_go_on(&x.attempt);
	return adopt(s, (int)r);
}
