/* SPDX-License-Identifier: Apache-2.0 */
/* sock_info.h - what the kernel says of one socket, in the words of ss(8). */
#ifndef SB_INSPECT_SOCK_INFO_H
#define SB_INSPECT_SOCK_INFO_H

#include "ops/sock.h"
#include "sockbroker/v1/admin.pb-c.h"
#include "wire/arena.h"

/* Fills in state, addresses and queues. The caller holds a reference, and no
 * lock: only what never changes of a sock is read. Returns 0 or -ENOMEM. */
int sock_info_ask(const struct sock *, struct arena *, Sockbroker__V1__SocketInfo *ret);

#endif
