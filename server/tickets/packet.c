/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet.c - what comes is taken out of the control data whole before anything is judged, so
 * that no descriptor is lost.
 */
#include "tickets/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Room for descriptors, and for what else might come. */
enum { CONTROL_BYTES = CMSG_SPACE(PACKET_DESCRIPTORS_MAX * sizeof(int)) + 1024 };

static void take_out(struct msghdr *msg, struct brought *ret)
{
	ret->n_fds = 0;
	ret->other = msg->msg_flags & MSG_CTRUNC;
	for (struct cmsghdr *m = CMSG_FIRSTHDR(msg); m; m = CMSG_NXTHDR(msg, m)) {
		const size_t n = (m->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_RIGHTS) {
			ret->other = true;
			continue;
		}
		memcpy(ret->fds + ret->n_fds, CMSG_DATA(m), n * sizeof(int));
		ret->n_fds += n;
	}
}

ssize_t packet_receive(int socket, uint8_t packet[TICKET_BYTES_MAX], struct brought *ret)
{
	union { struct cmsghdr header; char bytes[CONTROL_BYTES]; } control;
	struct iovec iov = { .iov_base = packet, .iov_len = TICKET_BYTES_MAX };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	const ssize_t n = recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);

	ret->n_fds = 0;
	if (n < 0)
		return -errno;
	take_out(&msg, ret);
	return n;
}

int packet_send(int socket, int error, const char *ticket, int fd)
{
	uint8_t packet[TICKET_BYTES_MAX];
	union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec iov = { .iov_base = packet, .iov_len = ticket_reply_write(error, ticket, packet) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
						   .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	return sendmsg(socket, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -EPIPE : 0;
}
