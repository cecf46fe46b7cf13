/* SPDX-License-Identifier: Apache-2.0 */
/*
 * direct.h - real sockets: those whose descriptor the program has itself.
 *
 *   data, accept, shutdown, names and options that are told      the kernel
 *   bind, listen, share; options and ioctls that the kernel      the broker, on a handle that
 *     refuses this process                                         lives for the one request
 *   connect                                                      judged by the broker, done
 *                                                                  by the kernel
 *
 * The broker holds nothing of such a socket, so close(2) closes it. All functions
 * return -errno, and may be called from any thread.
 */
#ifndef SB_DIRECT_H
#define SB_DIRECT_H

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "sockbroker/v1/broker.pb-c.h"
#include "table.h"

/* What a system call returned, as the library's own functions return it. */
static inline ssize_t native(ssize_t returned)
{
	return returned < 0 ? -errno : returned;
}

/* ---- how they come to be: direct.c ---- */

/* Are sockets of @family made real, if policy allows? */
bool direct_is_wanted(struct sb_broker *, int family);
/* Socket, and its descriptor: as a real one or, where that is denied, a stand-in. Returns
 * it. @birth lacks the handle. */
int direct_socket(Sockbroker__V1__SocketRequest *, struct sock_birth *birth);
/* As api_adopt(), of a connection that nobody knows yet; and it is made real, if that is wanted
 * and policy allows. */
int direct_adopt(struct standin *, const struct sock_birth *);
/* dup(2) of a real one, to a descriptor @at_least. */
int direct_dup(const struct sb_sock *, int at_least);
/* Whether @fd is still a socket: the program may have closed it, which we are not told. Returns 0,
 * -EBADF, -ENOTSOCK. */
int direct_look(int fd);

/* One request about a real socket, by a handle that is made for it: its field @handle. As
 * rpc_call(). */
int direct_call(const struct sb_sock *, const ProtobufCMessage *request, uint32_t *handle,
		struct reply *out);
/* SO_TYPE … of it; 0: it is none any more. */
int direct_option(const struct sb_sock *, int name);
/* Is @error what the kernel says to those who lack the privilege? */
static inline bool direct_is_refused(ssize_t error)
{
	return error == -EPERM || error == -EACCES;
}

/* ---- connections: direct_connection.c ---- */

int direct_connect(struct sb_sock *, const struct sockaddr *, socklen_t);
int direct_accept(struct sb_sock *, struct sockaddr *, socklen_t *, int flags);

/* ---- data: direct_data.c, direct_many.c ---- */

ssize_t direct_send(struct sb_sock *, const struct msghdr *, int flags);
/* @flags, and that no SIGPIPE is to be raised. */
int direct_send_flags(struct sb_sock *, int flags);
ssize_t direct_receive(struct sb_sock *, struct msghdr *, int flags);
/* The same, quicker, where nobody looks at msg_flags: one piece of memory, no control messages. */
ssize_t direct_receive_piece(struct sb_sock *, struct msghdr *, int flags);
int direct_send_many(struct sb_sock *, struct mmsghdr *, unsigned n, int flags);
/* @timeout_ns: of the call; negative: none. */
int direct_receive_many(struct sb_sock *, struct mmsghdr *, unsigned n, int flags,
			int64_t timeout_ns);

/* ---- descriptors in messages, of the program's own AF_UNIX sockets: direct_rights.c ---- */

/* Can there be any? (Who asks a packet socket for MSG_CMSG_CLOEXEC gets EINVAL.) */
bool direct_carries_rights(struct sb_sock *);

/* A message as the kernel takes it: real descriptors in the stand-ins' place. */
struct outgoing_rights {
	struct msghdr msg;
	void *control;     /* ours, or NULL: the program's message as it is */
	int *fds;          /* what is to be closed, n of them */
	size_t n;
};
int direct_rights_take(const struct msghdr *, struct outgoing_rights *);
void direct_rights_end(struct outgoing_rights *);
/* Enters the sockets of a message that was received into the table. */
void direct_rights_give(const struct sb_sock *, const struct msghdr *);

#endif
