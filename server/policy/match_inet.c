/* SPDX-License-Identifier: Apache-2.0 */
/* match_inet.c - whether a rule covers an internet address; see match.c. */
#include <netinet/in.h>

#include "policy/domain.h"
#include "policy/match.h"

static bool is_own(const struct policy *p, const struct place *at)
{
	for (size_t i = 0; i < p->n_own; i++)
		if (place_equal(&p->own[i], at))
			return true;
	return false;
}

static bool names_host(const void *rule, const char *host)
{
	return rule_names_host(rule, host);
}

/* Told to the session, for a name of the rule's, and not too long ago. */
static bool is_resolved(const struct rule *r, const struct asked *a, const struct place *at)
{
	bool limited = r->grant_for_ns > 0 && r->grant_for_ns < a->now_ns;
	uint64_t since_ns = limited ? a->now_ns - r->grant_for_ns : 0;

	return a->grants && grants_hold(a->grants, at, since_ns, names_host, r);
}

static bool prefixes_allow(const struct prefixes *list, const struct place *at, bool own)
{
	const struct prefix *special = place_special(at);
	unsigned least_bits = special ? special->bits : 0;

	if (own && list->own)
		return true;
	if (own)
		least_bits = at->v4 ? 32 : 128;
	if (list->any && least_bits == 0)
		return true;
	for (size_t i = 0; i < list->n; i++)
		if (list->at[i].bits >= least_bits && prefix_covers(&list->at[i], at))
			return true;
	return false;
}

static bool prefixes_deny(const struct prefixes *list, const struct place *at, bool own)
{
	if (list->any || (own && list->own))
		return true;
	for (size_t i = 0; i < list->n; i++)
		if (prefix_covers(&list->at[i], at))
			return true;
	return false;
}

static bool has_version(const struct prefixes *list, bool v4)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->at[i].base.v4 == v4)
			return true;
	return false;
}

/* Allowing: each of the places. Denying: one of them is enough. What must be
 * named is opened by no name of a host, whose owner could say any address. */
static bool remote_covered(const struct rule *r, const struct asked *a, const struct places *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct place *at = &p->at[i];
		bool own = !place_is_loopback(at) && is_own(r->policy, at);
		bool covered = r->deny ? prefixes_deny(&r->to, at, own)
				       : prefixes_allow(&r->to, at, own) ||
						 (r->to.resolved && !own && !place_special(at) &&
						  is_resolved(r, a, at));

		if (covered == r->deny)
			return covered;
	}
	return !r->deny;
}

/* The host's own addresses are what one binds to, so nothing is said of them
 * here. The wildcard is also every address that a rule may deny. */
static bool local_covered(const struct rule *r, const struct places *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct place *at = &p->at[i];
		bool covered = r->deny ? prefixes_deny(&r->from, at, false) ||
						 (p->wildcard && has_version(&r->from, at->v4))
				       : prefixes_allow(&r->from, at, false);

		if (covered == r->deny)
			return covered;
	}
	return !r->deny;
}

/* Raw sockets and pings have none: what stands in the address is a protocol
 * or an identifier. */
static bool has_ports(const struct asked *a)
{
	if (a->domain != DOMAIN_INET)
		return true;
	return a->in->type != SOCK_RAW && a->protocol != IPPROTO_ICMP &&
	       a->protocol != IPPROTO_ICMPV6;
}

bool inet_remote(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct places p;

	if (!places_to(&in->addr, &p) || !remote_covered(r, a, &p))
		return false;
	return !has_ports(a) || r->to_ports.any ||
	       ranges_hold(&r->to_ports, p.port);
}

bool inet_local(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sock_addr unbound = { .len = sizeof(struct sockaddr_in) };
	const struct sock_addr *addr = &in->addr;
	struct places p;

	if (in->action == ACTION_LISTEN && addr->len == 0) {
		unbound.ss.ss_family = in->family == AF_INET6 ? AF_INET6 : AF_INET;
		if (in->family == AF_INET6)
			unbound.len = sizeof(struct sockaddr_in6);
		addr = &unbound;
	}
	if (!places_from(addr, &p) || !local_covered(r, &p))
		return false;
	return !has_ports(a) ||
	       local_port_covered(r, p.port, UINT16_MAX, in->action);
}
