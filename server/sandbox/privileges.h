/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privileges.h - what the daemon may do, in three stages.
 *
 *   1. start     as whoever started it: binds its socket, reads its policy.
 *   2. dropped   privileges_drop(): the user named, no_new_privs, in the permitted set
 *                only what a rule may lend, the effective set empty.
 *                From here on a thread by itself may do what any user may.
 *   3. lent      privileges_raise() … privileges_lower(): one thread, around
 *                one system call that a rule lends a capability for.
 */
#ifndef SB_SANDBOX_PRIVILEGES_H
#define SB_SANDBOX_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before any thread. As root: become @user. As another user: give up what
 * capabilities there are. @lends: LEND_* bits of the policy at the start; what is
 * too mighty to keep for a rule that may come (CAP_SYS_ADMIN) is given up for ever
 * unless it is among them. Returns 0 or, in @error, a sentence. */
int privileges_drop(const char *user, uint32_t lends, char *error, size_t error_size)
	__attribute__((warn_unused_result));

/* LEND_* bits that are kept, and so can be lent. */
uint32_t privileges_lendable(void);

/* LEND_* bits (policy.h). A capability that the daemon was started without
 * cannot be lent: the system call then fails by itself. Any thread. */
void privileges_raise(uint32_t lends);
void privileges_lower(void);

#endif
