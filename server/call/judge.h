/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.h - the one place where a call meets the policy; and the audit line of
 * what was denied. Under the shard's lock.
 */
#ifndef SB_CALL_JUDGE_H
#define SB_CALL_JUDGE_H

struct call;

/* Judges call->intent, each of call->also, and each of call->targets (the first
 * that is denied, but for the very first, cuts them short). Returns 0, with
 * call->verdict, or the denial. */
int call_judge(struct call *);

#endif
