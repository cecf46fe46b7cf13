/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.h - what the two halves of the comparison share: match.c and
 * match_address.c. Inside server/policy only.
 */
#ifndef SB_POLICY_MATCH_H
#define SB_POLICY_MATCH_H

#include "policy/rule.h"

/* Some number is in both. */
bool ranges_meet(const struct ranges *, uint32_t first, uint32_t last);
/* Inside one of them, whole. */
bool ranges_enclose(const struct ranges *, uint32_t first, uint32_t last);
bool texts_match(const struct texts *, const char *text);
/* Index 0 stands for all interfaces, or for one that the kernel chooses. */
bool interface_matches(const struct rule *, long long ifindex);

/* bind, listen: the rule's `from`; connect, send: its `to`. */
bool address_matches(const struct rule *, const struct asked *);

#endif
