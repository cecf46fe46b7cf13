/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.h - what the parts of the comparison share. Inside server/policy only.
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

/* bind, listen, connect, send: does the rule cover the address? */
bool address_matches(const struct rule *, const struct asked *);

/* Of all families with internet addresses: `from`, `from_ports`; `to`, `to_ports`. */
bool inet_local(const struct rule *, const struct asked *);
bool inet_remote(const struct rule *, const struct asked *);

#endif
