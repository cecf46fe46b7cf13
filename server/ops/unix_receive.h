/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unix_receive.h - recvmsg(2) on a UNIX socket, by a thread that must not wait.
 *
 * Descriptors that a receiver leaves no room for, the kernel closes on the receiver's thread: a
 * connection with SO_LINGER set, sent by somebody else, would hold it for as long as that one likes.
 * So all are received, and those that the caller has no room for are closed aside (crew.h). What the
 * caller sees is what the kernel would have shown.
 */
#ifndef SB_OPS_UNIX_RECEIVE_H
#define SB_OPS_UNIX_RECEIVE_H

#include <stdbool.h>
#include <sys/socket.h>

struct account;

/* As recvmsg(2): -1 and errno. MSG_CMSG_CLOEXEC is set. ENFILE: the user has not got rid yet of
 * what came before. */
ssize_t unix_receive(int fd, struct account *, struct msghdr *, int flags);

/* Before the close(2) of a socket that nobody else has: nothing lies in it, and nothing will, since
 * it receives no more from here on. False also where that cannot be told. */
bool unix_is_empty(int fd, int type);

#endif
