/* SPDX-License-Identifier: Apache-2.0 */
/* match_address.c - whether a rule covers an address; see match.c. */
#include <linux/can.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "policy/match.h"

enum {
	PORT_UNPRIVILEGED = 1024,
	VSOCK_CID_RESERVED = 2, /* hypervisor, local, host: must be named */
};

/* ---- internet ---------------------------------------------------------- */

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
static bool has_ports(int type, int protocol)
{
	return type != SOCK_RAW && protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6;
}

/* Port 0: the kernel picks one that nobody uses, from 1024 up. */
static bool local_port_covered(const struct rule *r, uint32_t port, uint32_t last,
			       enum action action)
{
	const struct ranges *ports = &r->from_ports;

	if (r->deny && port == 0)
		return ports->any || r->ephemeral || ranges_hold(ports, 0) ||
		       ranges_meet(ports, PORT_UNPRIVILEGED, last);
	if (port == 0)
		return ports->any || r->ephemeral || ranges_hold(ports, 0) ||
		       ranges_enclose(ports, PORT_UNPRIVILEGED, last);
	if (ranges_hold(ports, port) || (ports->any && (r->deny || port >= PORT_UNPRIVILEGED)))
		return true;
	/* bound by the kernel's choice, and now to listen there */
	return action == ACTION_LISTEN && r->ephemeral && port >= PORT_UNPRIVILEGED;
}

static bool inet_remote(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct places p;

	if (!places_to(&in->addr, &p) || !remote_covered(r, a, &p))
		return false;
	return !has_ports(in->type, a->protocol) || r->to_ports.any ||
	       ranges_hold(&r->to_ports, p.port);
}

static bool inet_local(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sock_addr unbound = { .len = sizeof(struct sockaddr_in) };
	const struct sock_addr *addr = &in->addr;
	struct places p;

	if (in->action == ACTION_LISTEN && addr->len == 0) {
		unbound.ss.ss_family = (sa_family_t)in->family;
		if (in->family == AF_INET6)
			unbound.len = sizeof(struct sockaddr_in6);
		addr = &unbound;
	}
	if (!places_from(addr, &p) || !local_covered(r, &p))
		return false;
	return !has_ports(in->type, a->protocol) ||
	       local_port_covered(r, p.port, UINT16_MAX, in->action);
}

/* ---- unix -------------------------------------------------------------- */

static bool abstract_matches(const struct texts *t, const char *name, size_t length)
{
	if (t->any)
		return true;
	for (size_t i = 0; i < t->n; i++) {
		size_t n = strlen(t->at[i]);
		bool starts = n > 0 && t->at[i][n - 1] == '*';

		n -= starts;
		if ((starts ? length >= n : length == n) && memcmp(t->at[i], name, n) == 0)
			return true;
	}
	return false;
}

static bool unix_address(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	enum { OFFSET = offsetof(struct sockaddr_un, sun_path) };
	struct sockaddr_un un;
	char path[sizeof(un.sun_path) + 1];
	size_t length = in->addr.len;

	if (length > sizeof(un)) /* getsockname(2) counts a NUL behind the longest path */
		length = sizeof(un);
	if (length < OFFSET || in->addr.ss.ss_family != AF_UNIX)
		return false;
	memcpy(&un, &in->addr.ss, length);
	length -= OFFSET;
	if (length == 0) /* to no name can one send */
		return r->autobind && (in->action == ACTION_BIND || in->action == ACTION_LISTEN);
	if (un.sun_path[0] == '\0')
		return abstract_matches(&r->abstract, un.sun_path + 1, length - 1);
	length = strnlen(un.sun_path, length);
	memcpy(path, un.sun_path, length);
	path[length] = '\0';
	if (r->deny && r->paths.any)
		return true;
	return path_is_clean(path) && texts_match(&r->paths, path);
}

/* ---- packet, CAN, netlink, vsock --------------------------------------- */

static bool packet_address(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_ll ll;

	if (in->addr.len < offsetof(struct sockaddr_ll, sll_hatype) ||
	    in->addr.ss.ss_family != AF_PACKET)
		return false;
	memcpy(&ll, &in->addr.ss, sizeof(ll));
	return interface_matches(r, ll.sll_ifindex);
}

static bool can_address(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_can can;

	if (in->addr.len < offsetof(struct sockaddr_can, can_addr) ||
	    in->addr.ss.ss_family != AF_CAN)
		return false;
	memcpy(&can, &in->addr.ss, sizeof(can));
	return interface_matches(r, can.can_ifindex);
}

static bool groups_covered(const struct rule *r, uint32_t mask)
{
	for (uint32_t group = 1; group <= 32; group++) {
		bool asked = mask >> (group - 1) & 1;
		bool covered = r->netlink_groups.any || ranges_hold(&r->netlink_groups, group);

		if (asked && covered == r->deny)
			return covered;
	}
	return !r->deny || (mask == 0 && r->netlink_groups.any);
}

static bool netlink_read(const struct intent *in, struct sockaddr_nl *ret)
{
	if (in->addr.len < sizeof(*ret) || in->addr.ss.ss_family != AF_NETLINK)
		return false;
	memcpy(ret, &in->addr.ss, sizeof(*ret));
	return true;
}

static bool netlink_local(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_nl nl;

	return netlink_read(in, &nl) && groups_covered(r, nl.nl_groups);
}

/* Port 0 is the kernel; a group is heard by processes, so it counts as one. */
static bool netlink_remote(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_nl nl;

	if (!netlink_read(in, &nl))
		return false;
	if (r->netlink_to.any)
		return true;
	if (nl.nl_groups != 0)
		return r->deny && r->netlink_to.n > 0;
	return ranges_hold(&r->netlink_to, nl.nl_pid);
}

static bool vsock_read(const struct intent *in, struct sockaddr_vm *ret)
{
	if (in->addr.len < sizeof(*ret) || in->addr.ss.ss_family != AF_VSOCK)
		return false;
	memcpy(ret, &in->addr.ss, sizeof(*ret));
	return true;
}

static bool cid_covered(const struct rule *r, const struct ranges *cids, uint32_t cid)
{
	if (ranges_hold(cids, cid))
		return true;
	return cids->any &&
	       (r->deny || (cid > VSOCK_CID_RESERVED && cid != VMADDR_CID_ANY));
}

static bool vsock_remote(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_vm vm;

	return vsock_read(in, &vm) && cid_covered(r, &r->to_cids, vm.svm_cid) &&
	       (r->to_ports.any || ranges_hold(&r->to_ports, vm.svm_port));
}

static bool vsock_local(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	struct sockaddr_vm vm = { .svm_cid = VMADDR_CID_ANY, .svm_port = VMADDR_PORT_ANY };
	bool unbound = in->action == ACTION_LISTEN && in->addr.len == 0;
	bool everywhere;

	if (!unbound && !vsock_read(in, &vm))
		return false;
	everywhere = vm.svm_cid == VMADDR_CID_ANY && r->deny && r->from_cids.n > 0;
	if (!everywhere && !cid_covered(r, &r->from_cids, vm.svm_cid))
		return false;
	return local_port_covered(r, vm.svm_port == VMADDR_PORT_ANY ? 0 : vm.svm_port,
				  VMADDR_PORT_ANY - 1, in->action);
}

/* ---- all families ------------------------------------------------------ */

typedef bool (*address_matcher)(const struct rule *, const struct asked *);

static const struct {
	address_matcher local, remote;
} matchers[DOMAIN_COUNT] = {
	[DOMAIN_INET] = { inet_local, inet_remote },
	[DOMAIN_UNIX] = { unix_address, unix_address },
	[DOMAIN_PACKET] = { packet_address, packet_address },
	[DOMAIN_NETLINK] = { netlink_local, netlink_remote },
	[DOMAIN_CAN] = { can_address, can_address },
	[DOMAIN_VSOCK] = { vsock_local, vsock_remote },
};

bool address_matches(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	bool local = in->action == ACTION_BIND || in->action == ACTION_LISTEN;
	address_matcher matches = local ? matchers[r->domain].local : matchers[r->domain].remote;

	return matches && matches(r, a);
}
