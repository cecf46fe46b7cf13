/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.h - the one place where a call meets the policy; and the audit line of
 * what was denied. Under the shard's lock.
 */
#ifndef SB_CALL_JUDGE_H
#define SB_CALL_JUDGE_H

#include <stddef.h>

#include "policy/intent.h"

struct call;

/* Judges call->intent, each of call->also, and each of call->targets (the first
 * that is denied, but for the very first, cuts them short). Returns 0, with
 * call->verdict, or the denial. */
int call_judge(struct call *);

/* May the caller do what is no call of its own? Returns 0 or the denial. */
int call_may(struct call *, enum action);

/* What call->intent.host, which was judged and has been looked up, was found to
 * have: a rule's `to: resolved` lets the session reach it. Before the answer goes
 * out. Returns 0 or -ENOMEM. */
int call_grant(struct call *, const struct sock_addr *addrs, size_t n)
	__attribute__((warn_unused_result));

#endif
