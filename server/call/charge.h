/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charge.h - what a waiting call costs its user. Under the shard's lock.
 */
#ifndef SB_CALL_CHARGE_H
#define SB_CALL_CHARGE_H

struct call;

/* A call counts against the limits from when it has to wait: one that is
 * answered at once holds nothing, so Close and Cancel always come through. */
int call_charge(struct call *);
void call_uncharge(struct call *);

#endif
