/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handlers.h - one for each trapped call. A handler runs in a receiver's thread, takes what
 * the call names, looks whether it is valid still, and answers; it does not wait but for
 * the broker.
 */
#ifndef SB_RUN_HANDLERS_H
#define SB_RUN_HANDLERS_H

#include <errno.h>
#include <sys/socket.h>

#include "call.h"

struct answer on_socket(struct call *);
struct answer on_bind(struct call *);
struct answer on_listen(struct call *);
struct answer on_connect(struct call *);
struct answer on_setsockopt(struct call *);
struct answer on_ioctl(struct call *);
struct answer on_interface(struct call *); /* of ioctl(2), by on_ioctl() */
struct answer on_sendto(struct call *);
struct answer on_sendmsg(struct call *);
struct answer on_sendmmsg(struct call *);

/* The table: by the call's number. */
struct answer handle(struct call *);

/* Which interface a name or a number is: on_interface() answers. */
bool interface_is_asked_for(unsigned long request);

/* The families whose sockets are the broker's with --all. */
static inline bool family_is_brokered(int family)
{
	return family == AF_INET || family == AF_INET6 || family == AF_PACKET || family == AF_CAN;
}

/* What the kernel says to who lacks a capability. */
static inline bool is_refusal(long error)
{
	return error == -EPERM || error == -EACCES;
}

#endif
