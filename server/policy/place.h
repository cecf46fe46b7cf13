/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - internet addresses as the policy sees them: where a packet for
 * them ends, whatever way they are written.
 *
 * No state, no system calls, safe from any thread.
 */
#ifndef SB_POLICY_PLACE_H
#define SB_POLICY_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/addr.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An address; an IPv4 one in the first four bytes. */
struct place {
	bool v4;
	uint8_t bytes[16];
};

struct prefix {
	struct place base;
	unsigned bits;
};

/* An address may lead to more than one place: `::` is both the IPv6 and the
 * IPv4 wildcard, and both loopbacks. All must be granted; one denied is
 * enough. */
enum { PLACES_MAX = 2 };
struct places {
	struct place at[PLACES_MAX];
	size_t n;
	bool wildcard; /* to bind: all addresses of the host */
	uint16_t port;
};

/* False: not an internet address (too short, another family). */
bool places_to(const struct sock_addr *, struct places *ret);   /* connect, send */
bool places_from(const struct sock_addr *, struct places *ret); /* bind, listen */

/* The IPv4 address that an IPv6 one stands for, if it does; in place. */
void place_unwrap(struct place *);

bool place_equal(const struct place *, const struct place *);
bool prefix_covers(const struct prefix *, const struct place *);

/* Addresses that trust whoever reaches them (loopback, link-local, metadata,
 * multicast …). Returns the smallest such range around a place, or NULL: only
 * a prefix that lies inside this range covers the place. */
const struct prefix *place_special(const struct place *);
bool place_is_loopback(const struct place *);

#ifdef __cplusplus
}
#endif
#endif
