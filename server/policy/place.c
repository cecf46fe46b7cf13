/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An internet address has many spellings, and a policy that compares spellings
 * is got round by another spelling. So an address is first brought to the
 * place where its packets end:
 *
 *   ::ffff:a.b.c.d     mapped      the kernel sends IPv4
 *   ::a.b.c.d          compatible  deprecated; old tunnels send IPv4
 *   64:ff9b::a.b.c.d   NAT64       a gateway sends IPv4
 *   64:ff9b:1::/48     NAT64 of a site: judged as that IPv4 address, and the
 *                      IPv6 one must be named too (where in the address the
 *                      IPv4 one lies differs from site to site)
 *   0.0.0.0, ::        connect(2) takes them for loopback
 *
 * Then the ranges below: whoever grants "any" does not mean them.
 */
#include "policy/place.h"

#include <netinet/in.h>
#include <string.h>

#define V4(a, b, c, d, n) { .base = { .v4 = true, .bytes = { a, b, c, d } }, .bits = (n) }
#define V6(n, ...) { .base = { .v4 = false, .bytes = { __VA_ARGS__ } }, .bits = (n) }

static const struct prefix specials[] = {
	V4(0, 0, 0, 0, 8),              /* "this host" */
	V4(0, 0, 0, 0, 32),             /* the wildcard */
	V4(127, 0, 0, 0, 8),            /* loopback */
	V4(169, 254, 0, 0, 16),         /* link-local */
	V4(169, 254, 169, 254, 32),     /* metadata: AWS, Azure, GCP, OpenStack … */
	V4(169, 254, 170, 2, 32),       /* metadata: AWS ECS credentials */
	V4(169, 254, 170, 23, 32),      /* metadata: AWS EKS credentials */
	V4(100, 100, 100, 200, 32),     /* metadata: Alibaba */
	V4(168, 63, 129, 16, 32),       /* metadata: Azure's host agent */
	V4(192, 0, 0, 192, 32),         /* metadata: Oracle */
	V4(224, 0, 0, 0, 4),            /* multicast */
	V4(255, 255, 255, 255, 32),     /* broadcast */
	V6(128, 0),                     /* the wildcard */
	V6(128, [15] = 1),              /* loopback */
	V6(10, 0xfe, 0x80),             /* link-local */
	V6(8, 0xff),                    /* multicast */
	V6(16, 0x20, 0x02),             /* 6to4: carries an IPv4 address */
	V6(32, 0x20, 0x01, 0, 0),       /* Teredo: carries an IPv4 address */
	V6(48, 0, 0x64, 0xff, 0x9b, 0, 1), /* NAT64 of a site */
	V6(128, 0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54), /* metadata: AWS */
	V6(128, 0xfd, 0, 0x0e, 0xc2, [15] = 0x23),              /* metadata: AWS EKS */
	V6(128, 0xfd, 0x20, 0, 0xce, [14] = 0x02, [15] = 0x54), /* metadata: GCP */
};

static const struct place loopback4 = { .v4 = true, .bytes = { 127, 0, 0, 1 } };
static const struct place loopback6 = { .bytes = { [15] = 1 } };
static const struct place wildcard4 = { .v4 = true };
static const struct place wildcard6 = { .v4 = false };
static const struct prefix nat64_site = V6(48, 0, 0x64, 0xff, 0x9b, 0, 1);

bool place_equal(const struct place *a, const struct place *b)
{
	return a->v4 == b->v4 && memcmp(a->bytes, b->bytes, a->v4 ? 4 : 16) == 0;
}

bool prefix_covers(const struct prefix *p, const struct place *at)
{
	size_t whole = p->bits / 8;
	unsigned rest = p->bits % 8;

	if (p->base.v4 != at->v4 || memcmp(p->base.bytes, at->bytes, whole) != 0)
		return false;
	return rest == 0 || (p->base.bytes[whole] ^ at->bytes[whole]) >> (8 - rest) == 0;
}

const struct prefix *place_special(const struct place *at)
{
	const struct prefix *smallest = NULL;

	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
		const struct prefix *s = &specials[i];

		if (prefix_covers(s, at) && (!smallest || s->bits > smallest->bits))
			smallest = s;
	}
	return smallest;
}

bool place_is_loopback(const struct place *at)
{
	return at->v4 ? at->bytes[0] == 127 : place_equal(at, &loopback6);
}

void place_unwrap(struct place *at)
{
	static const struct prefix wrappers[] = {
		V6(96, [10] = 0xff, [11] = 0xff),   /* mapped */
		V6(96, 0),                          /* compatible */
		V6(96, 0, 0x64, 0xff, 0x9b),        /* NAT64 */
	};

	if (at->v4 || place_equal(at, &wildcard6) || place_equal(at, &loopback6))
		return;
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		struct place inner = { .v4 = true };

		if (!prefix_covers(&wrappers[i], at))
			continue;
		memcpy(inner.bytes, at->bytes + 12, 4);
		*at = inner;
		return;
	}
}

/* As the kernel reads it. A name of AF_UNSPEC is taken for AF_INET by bind(2)
 * and sendto(2) on AF_INET sockets, so it is not a way out here. */
static bool place_read(const struct sock_addr *addr, struct place *ret, uint16_t *ret_port)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	struct place at = { 0 };

	if (addr->len < sizeof(in))
		return false;
	if (addr->ss.ss_family == AF_INET || addr->ss.ss_family == AF_UNSPEC) {
		memcpy(&in, &addr->ss, sizeof(in));
		at.v4 = true;
		memcpy(at.bytes, &in.sin_addr, 4);
		*ret_port = ntohs(in.sin_port);
	} else if (addr->ss.ss_family == AF_INET6 &&
		   addr->len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memcpy(&in6, &addr->ss, sizeof(in6));
		memcpy(at.bytes, &in6.sin6_addr, 16);
		*ret_port = ntohs(in6.sin6_port);
	} else {
		return false;
	}
	*ret = at;
	return true;
}

static void places_add(struct places *p, const struct place *at)
{
	p->at[p->n++] = *at;
}

bool places_to(const struct sock_addr *addr, struct places *ret)
{
	struct places p = { 0 };
	struct place at, inner;

	if (!place_read(addr, &at, &p.port))
		return false;
	place_unwrap(&at);
	if (prefix_covers(&nat64_site, &at)) {
		inner = (struct place){ .v4 = true };
		memcpy(inner.bytes, at.bytes + 12, 4);
		places_add(&p, &inner);
		places_add(&p, &at);
	} else if (place_equal(&at, &wildcard6)) {
		places_add(&p, &loopback6);
		places_add(&p, &loopback4); /* if the socket is bound to a mapped address */
	} else {
		places_add(&p, &at);
	}
	for (size_t i = 0; i < p.n; i++)
		if (place_equal(&p.at[i], &wildcard4))
			p.at[i] = loopback4;
	*ret = p;
	return true;
}

bool places_from(const struct sock_addr *addr, struct places *ret)
{
	struct places p = { 0 };
	struct place at;

	if (!place_read(addr, &at, &p.port))
		return false;
	place_unwrap(&at);
	places_add(&p, &at);
	if (place_equal(&at, &wildcard6)) /* accepts IPv4 too, unless IPV6_V6ONLY */
		places_add(&p, &wildcard4);
	p.wildcard = place_equal(&at, &wildcard6) || place_equal(&at, &wildcard4);
	*ret = p;
	return true;
}
