/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a rule speaks of an intent.
 *
 * A rule that allows covers as little as its words can mean, one that denies
 * covers as much: `any` in an allowing rule leaves out what must be named
 * (loopback, raw sockets, ports below 1024 …), in a denying rule it leaves out
 * nothing. What cannot be read (an address of another family, a short one) is
 * covered by no allowing rule, and so denied in the end.
 */
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/host.h"
#include "policy/match.h"

enum { PROTOCOL_RAW = 255 };

bool ranges_meet(const struct ranges *r, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->at[i].first <= last && first <= r->at[i].last)
			return true;
	return false;
}

bool ranges_hold(const struct ranges *r, uint32_t number)
{
	return ranges_meet(r, number, number);
}

bool ranges_enclose(const struct ranges *r, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->at[i].first <= first && last <= r->at[i].last)
			return true;
	return false;
}

bool texts_match(const struct texts *t, const char *text)
{
	if (t->any)
		return true;
	for (size_t i = 0; i < t->n; i++)
		if (glob_matches(t->at[i], text))
			return true;
	return false;
}

bool interface_matches(const struct rule *r, long long ifindex)
{
	char name[IF_NAMESIZE];

	if (r->interfaces.any)
		return true;
	if (ifindex == 0)
		return r->deny;
	if (ifindex < 0 || ifindex > INT32_MAX || !if_indextoname((unsigned)ifindex, name))
		return false;
	return texts_match(&r->interfaces, name);
}

/* ---- options and ioctls ------------------------------------------------ */

static bool option_matches(const struct rule *r, const struct intent *in)
{
	bool named = r->any_option;

	for (size_t i = 0; i < r->n_options && !named; i++)
		named = r->options[i].level == in->level && r->options[i].name == in->name;
	if (!named || r->any_option)
		return named;
	if (option_reaches_interface(in->level, in->name) && !interface_matches(r, in->ifindex))
		return false;
	if (option_is_mark(in->level, in->name) && !r->marks.any &&
	    !ranges_hold(&r->marks, (uint32_t)in->value))
		return false;
	if (option_is_netlink_group(in->level, in->name) && !r->netlink_groups.any &&
	    (in->value < 0 || in->value > UINT32_MAX ||
	     !ranges_hold(&r->netlink_groups, (uint32_t)in->value)))
		return false;
	return true;
}

static bool ioctl_matches(const struct rule *r, const struct intent *in)
{
	bool named = false;

	if (r->any_ioctl)
		return true;
	for (size_t i = 0; i < r->n_ioctls && !named; i++)
		named = r->ioctls[i] == in->ioctl;
	return named && (!ioctl_reaches_interface(in->ioctl) || interface_matches(r, in->ifindex));
}

/* ---- names ------------------------------------------------------------- */

bool rule_names_host(const struct rule *r, const char *host)
{
	if (r->names.any)
		return true;
	for (size_t i = 0; i < r->names.n; i++)
		if (host_matches(r->names.at[i], host))
			return true;
	return false;
}

/* To ask for an address's name reaches a name server and not the address, so
 * `addresses: any` leaves out nothing. */
static bool resolve_matches(const struct rule *r, const struct intent *in)
{
	char host[HOST_BYTES];
	struct places p;

	if (in->host && host_normalize(in->host, host))
		return rule_names_host(r, host);
	if (in->host) /* no rule that allows covers it */
		return r->deny && r->names.any;
	if (!places_from(&in->addr, &p))
		return r->deny && r->addresses.any;
	if (r->addresses.any)
		return true;
	for (size_t i = 0; i < r->addresses.n; i++)
		if (prefix_covers(&r->addresses.at[i], &p.at[0]))
			return true;
	return false;
}

/* ---- all together ------------------------------------------------------ */

/* What socket(2) makes of 0; and for AF_PACKET, bind and send may change the
 * Ethernet type that the socket was opened with. */
static int asked_protocol(const struct intent *in, enum domain domain)
{
	struct sockaddr_ll ll;

	if (domain == DOMAIN_INET && in->protocol == 0) {
		if (in->type == SOCK_STREAM)
			return IPPROTO_TCP;
		if (in->type == SOCK_DGRAM)
			return IPPROTO_UDP;
		if (in->type == SOCK_SEQPACKET)
			return IPPROTO_SCTP;
	}
	if (domain == DOMAIN_PACKET && in->addr.len >= 4 && in->addr.ss.ss_family == AF_PACKET &&
	    (in->action == ACTION_BIND || in->action == ACTION_SEND)) {
		memcpy(&ll, &in->addr.ss, sizeof(ll));
		if (ll.sll_protocol != 0)
			return ntohs(ll.sll_protocol);
	}
	return in->protocol;
}

static bool protocol_matches(const struct rule *r, enum domain domain, int protocol)
{
	if (protocol >= 0 && ranges_hold(&r->protocols, (uint32_t)protocol))
		return true;
	if (r->protocols.any)
		return r->deny || domain != DOMAIN_INET || protocol != PROTOCOL_RAW;
	/* a packet socket without a protocol receives nothing */
	return domain == DOMAIN_PACKET && protocol == 0 && !r->deny;
}

/* SOCK_PACKET, which socket(2) takes for AF_PACKET in AF_INET too, has no name
 * and is under no `any`: no rule allows it. */
static bool type_matches(const struct rule *r, int type)
{
	if (type >= 0 && type < 32 && (r->types >> type & 1))
		return true;
	return r->any_type && (r->deny || (type != SOCK_RAW && type != SOCK_PACKET));
}

static bool family_matches(const struct rule *r, int family)
{
	for (size_t i = 0; i < r->n_families; i++)
		if (r->families[i] == family)
			return true;
	return false;
}

struct asked asked_of(const struct intent *in, const struct grants *grants, uint64_t now_ns)
{
	enum domain domain = family_domain(in->family);

	return (struct asked){ in, domain, asked_protocol(in, domain), grants, now_ns };
}

bool rule_matches(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;

	if (r->everything)
		return true;
	if (!(r->may >> in->action & 1))
		return false;
	if (!(MAY_SOCKETS >> in->action & 1) && in->action != ACTION_RESOLVE)
		return true;
	if (in->action == ACTION_RESOLVE)
		return resolve_matches(r, in);
	if (!family_matches(r, in->family) || !type_matches(r, in->type) ||
	    !protocol_matches(r, a->domain, a->protocol))
		return false;
	if (MAY_KIND >> in->action & 1)
		return true;
	if (in->action == ACTION_OPTION)
		return option_matches(r, in);
	if (in->action == ACTION_IOCTL)
		return ioctl_matches(r, in);
	return address_matches(r, a);
}
