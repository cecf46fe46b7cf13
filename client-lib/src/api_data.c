/* SPDX-License-Identifier: Apache-2.0 */
/* api_data.c - send, recv and their kin: all of them are a msghdr. */
#include <errno.h>
#include <limits.h>
#include <sys/uio.h>

#include "api.h"
#include "data.h"
#include "direct.h"
#include "sockbroker.h"

static ssize_t send_msg(const char *call, int fd, const struct msghdr *msg, int flags)
{
	struct sb_sock *s;
	const int r = table_get(fd, &s);

	if (r < 0)
		return api_local(call, r);
	return api_done(call, s, sock_is_real(s) ? direct_send(s, msg, flags) :
						   data_send(s, msg, flags));
}

typedef ssize_t (*receive_fn)(struct sb_sock *, struct msghdr *, int flags);

/* @direct: for a real descriptor. */
static ssize_t receive_msg(const char *call, int fd, struct msghdr *msg, int flags,
			   receive_fn direct)
{
	struct sb_sock *s;
	const int r = table_get(fd, &s);

	if (r < 0)
		return api_local(call, r);
	return api_done(call, s, (sock_is_real(s) ? direct : data_receive)(s, msg, flags));
}

ssize_t sb_sendto(int fd, const void *buf, size_t len, int flags,
		  const struct sockaddr *addr, socklen_t addrlen)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = len };
	const struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
				    .msg_name = (void *)(uintptr_t)addr, .msg_namelen = addrlen };

	return send_msg(__func__, fd, &msg, flags);
}

ssize_t sb_send(int fd, const void *buf, size_t len, int flags)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = len };
	const struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return send_msg(__func__, fd, &msg, flags);
}

ssize_t sb_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	if (!msg)
		return api_local(__func__, -EFAULT);
	return send_msg(__func__, fd, msg, flags);
}

ssize_t sb_recv(int fd, void *buf, size_t len, int flags)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return receive_msg(__func__, fd, &msg, flags, direct_receive_piece);
}

ssize_t sb_recvfrom(int fd, void *buf, size_t len, int flags,
		    struct sockaddr *addr, socklen_t *addrlen)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	const int bad = api_address_room(addr, addrlen);
	ssize_t n;

	if (bad)
		return api_local(__func__, bad);
	if (addr) {
		msg.msg_name = addr;
		msg.msg_namelen = *addrlen;
	}
	n = receive_msg(__func__, fd, &msg, flags, direct_receive_piece);
	if (n >= 0 && addr)
		*addrlen = msg.msg_namelen;
	return n;
}

ssize_t sb_recvmsg(int fd, struct msghdr *msg, int flags)
{
	if (!msg)
		return api_local(__func__, -EFAULT);
	return receive_msg(__func__, fd, msg, flags, direct_receive);
}
