/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/unix_receive.h"

#include <errno.h>
#include <stdbool.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "identity/account.h"

enum {
	DESCRIPTORS_MAX = 253, /* SCM_MAX_FD, of the kernel */
	/* Room for as many, and for credentials, a security label, a pidfd. */
	CONTROL_BYTES = CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int)) + 1024,
	WAITING_MAX = 4096,    /* of one user's, to be closed */
};

/* The rest of the caller's buffer. */
struct room {
	char *at;
	size_t left;
	bool cut;
};

/* As put_cmsg(): what does not fit is cut, and its header says so. */
static void put(struct room *room, const struct cmsghdr *m, size_t length)
{
	struct cmsghdr *out = (struct cmsghdr *)(void *)room->at;
	size_t step;

	if (room->left < sizeof(*m)) {
		room->cut = true;
		return;
	}
	if (length > room->left) {
		room->cut = true;
		length = room->left;
	}
	memcpy(out, m, length);
	out->cmsg_len = length;
	step = CMSG_ALIGN(length) < room->left ? CMSG_ALIGN(length) : room->left;
	room->at += step;
	room->left -= step;
}

/* As scm_detach_fds(): as many as fit whole, and no message without any. */
static void put_rights(struct room *room, const struct cmsghdr *m, struct account *account)
{
	const size_t n = (m->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	size_t fit = room->left > CMSG_LEN(0) ? (room->left - CMSG_LEN(0)) / sizeof(int) : 0;
	int fd;

	if (fit >= n)
		fit = n;
	else
		room->cut = true;
	for (size_t i = fit; i < n; i++) {
		memcpy(&fd, CMSG_DATA(m) + i * sizeof(fd), sizeof(fd));
		crew_close(account, fd, false);
	}
	if (fit)
		put(room, m, CMSG_LEN(fit * sizeof(int)));
}

static void hand_on(struct msghdr *from, struct msghdr *to, struct account *account)
{
	struct room room = { .at = to->msg_control, .left = to->msg_control ? to->msg_controllen : 0 };
	const size_t size = room.left;

	for (struct cmsghdr *m = CMSG_FIRSTHDR(from); m; m = CMSG_NXTHDR(from, m)) {
		if (m->cmsg_level == SOL_SOCKET && m->cmsg_type == SCM_RIGHTS)
			put_rights(&room, m, account);
		else
			put(&room, m, m->cmsg_len);
	}
	to->msg_controllen = size - room.left;
	to->msg_namelen = from->msg_namelen;
	to->msg_flags = from->msg_flags | (room.cut ? MSG_CTRUNC : 0);
}

ssize_t unix_receive(int fd, struct account *account, struct msghdr *msg, int flags)
{
	union { struct cmsghdr header; char bytes[CONTROL_BYTES]; } control;
	struct msghdr all = *msg;
	ssize_t n;

	if (atomic_load_explicit(&account->sockets_closing, memory_order_relaxed) > WAITING_MAX) {
		errno = ENFILE;
		return -1;
	}
	if (msg->msg_control && msg->msg_controllen >= sizeof(control))
		return recvmsg(fd, msg, flags | MSG_CMSG_CLOEXEC);
	all.msg_control = &control;
	all.msg_controllen = sizeof(control);
	n = recvmsg(fd, &all, flags | MSG_CMSG_CLOEXEC);
	if (n >= 0)
		hand_on(&all, msg, account);
	return n;
}

/* A stream has no empty packets, so its bytes tell; a datagram socket says EAGAIN. A SEQPACKET
 * socket would say 0 for both, and a listener has connections with more in them. */
bool unix_is_empty(int fd, int type)
{
	struct msghdr none = { .msg_iov = NULL };
	int n = 0;

	if ((type != SOCK_STREAM && type != SOCK_DGRAM) || shutdown(fd, SHUT_RD) < 0)
		return false;
	if (type == SOCK_STREAM)
		return ioctl(fd, SIOCINQ, &n) == 0 && n == 0;
	return recvmsg(fd, &none, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}
