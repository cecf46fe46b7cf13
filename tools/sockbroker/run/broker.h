/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broker.h - what handlers ask of the broker; every verdict is reported here. The broker
 * is the default one: after it ended it is looked for again with each call.
 */
#ifndef SB_RUN_BROKER_H
#define SB_RUN_BROKER_H

#include "call.h"

/* A new socket: its descriptor, which the broker has let go of; or -errno: @refusal, what the kernel
 * said, if the broker cannot be asked. @type may have flags. */
int broker_socket(const struct call *, int type, int refusal);

/* May it, by policy? @action is BIND, LISTEN, CONNECT or SEND, by c->kind and @addr. Returns 0 or -errno. */
int broker_judge(const struct call *, enum action action, const struct sock_addr *addr);

/*
 * Does a thing to c->fd with the broker's rights: @act gets a stand-in, and returns 0 or a
 * count, or -1 and errno. Returns that or -errno; @refusal if the broker cannot be asked.
 */
long broker_act(const struct call *, const struct intent *, int refusal,
		long (*act)(int standin, void *context), void *context);

#endif
