/* SPDX-License-Identifier: Apache-2.0 */
/* data.h - sending and receiving one message, for all the calls that do. */
#ifndef SB_DATA_H
#define SB_DATA_H

#include <sys/socket.h>

#include "table.h"

/* As sendmsg(2) and recvmsg(2); return bytes or -errno. */
ssize_t data_send(struct sb_sock *, const struct msghdr *, int flags);
ssize_t data_receive(struct sb_sock *, struct msghdr *, int flags);

/* Flags that mean something only in this process. */
enum { DATA_OWN_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC };

/* Does the socket keep no message boundaries? Asks the broker if need be. */
bool data_is_stream(struct sb_sock *);
/* What a socket that came from elsewhere is: SO_TYPE or SO_DOMAIN, remembered in
 * @known, which is a member of it. 0: nobody says. */
int sock_ask(struct sb_sock *, int name, atomic_int *known);

#endif
