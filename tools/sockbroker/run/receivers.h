/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receivers.h - the threads that take notifications and answer them. Several, so that a call
 * for which the broker takes its time (closing a packet socket: 12 ms) holds up few others.
 */
#ifndef SB_RUN_RECEIVERS_H
#define SB_RUN_RECEIVERS_H

struct run;

/* They end with the process. Returns 0, or -errno if there is not even one. */
int receivers_start(struct run *);

#endif
