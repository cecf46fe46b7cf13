/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grants.h - the addresses that a session was told for a name: what a rule's
 * `to: resolved` speaks of.
 *
 * A plain value, zeroed to begin with; belongs to whoever has the session. It
 * notes names, not rules: what a name opens, and for how long, is said anew by
 * the policy in force at each judgement.
 */
#ifndef SB_POLICY_GRANTS_H
#define SB_POLICY_GRANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/place.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Addresses of one session; the one that was told longest ago makes room. */
enum { GRANTS_MAX = 4096 };

struct grant;

struct grants {
	struct grant *at; /* sorted by place */
	size_t n, capacity;
};

/* Notes that @host has @addrs, at @now_ns of a monotonic clock; a second time
 * makes them young again. What is no internet address, and what is no name, is
 * passed over. Returns 0 or -ENOMEM. */
int grants_add(struct grants *, const char *host, const struct sock_addr *addrs, size_t n,
	       uint64_t now_ns) __attribute__((warn_unused_result));

/* Was @place told, at @since_ns or later, for a name that @matches says yes to?
 * @host is normalized (host.h). */
bool grants_hold(const struct grants *, const struct place *place, uint64_t since_ns,
		 bool (*matches)(const void *of, const char *host), const void *of);

void grants_free(struct grants *);

#ifdef __cplusplus
}
#endif
#endif
