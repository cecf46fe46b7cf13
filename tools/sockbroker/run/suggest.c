/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest.c - what a program asked for, while it runs.
 *
 *   suggestion ─► kinds: family, type, protocol
 *                   ├─► spots: an action at an address, and the ports there
 *                   └─► things: an option or an ioctl, and what it reaches
 *
 * Nothing is joined here that the policy would take for more than was asked; but ports at an
 * address, and addresses, are bounded in number. The nearest ports are joined to ranges then, and
 * addresses become `any`; both are told in the file.
 */
#include "suggest_notes.h"

#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "policy/names.h"
#include "policy/policy.h"
#include "policy/reach.h"
#include "wire/ioctls.h"
#include "wire/sockopt.h"

#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

enum { PORT_UNPRIVILEGED = 1024 };

struct suggestion *suggest_new(void)
{
	struct suggestion *s = calloc(1, sizeof(*s));

	if (s)
		pthread_mutex_init(&s->lock, NULL);
	return s;
}

void suggest_free(struct suggestion *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_kinds; i++) {
		free(s->kinds[i]->spots);
		free(s->kinds[i]);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- kinds ------------------------------------------------------------- */

bool kind_has_ports(const struct kind *k)
{
	switch (family_domain(k->family)) {
	case DOMAIN_INET:
		return k->type != SOCK_RAW && k->protocol != IPPROTO_ICMP &&
		       k->protocol != IPPROTO_ICMPV6;
	case DOMAIN_RDS:
	case DOMAIN_SMC:
	case DOMAIN_VSOCK:
		return true;
	default:
		return false;
	}
}

/* As a policy has it: what the kernel makes of 0; and a packet socket's Ethernet type is the
 * one that a call changes it to. */
static int protocol_of(const struct intent *in)
{
	struct sockaddr_ll ll;

	if (family_domain(in->family) == DOMAIN_INET && in->protocol == 0)
		return in->type == SOCK_STREAM	    ? IPPROTO_TCP
		       : in->type == SOCK_DGRAM	    ? IPPROTO_UDP
		       : in->type == SOCK_SEQPACKET ? IPPROTO_SCTP
						    : 0;
	if (in->family == AF_PACKET && (in->action == ACTION_BIND || in->action == ACTION_SEND) &&
	    in->addr.len >= 4) {
		memcpy(&ll, &in->addr.ss, sizeof(ll));
		if (ll.sll_protocol)
			return ntohs(ll.sll_protocol);
	}
	return in->protocol;
}

static struct kind *kind_of(struct suggestion *s, const struct intent *in)
{
	int protocol = protocol_of(in);
	struct kind *k;

	for (size_t i = 0; i < s->n_kinds; i++) {
		k = s->kinds[i];
		if (k->family == in->family && k->type == in->type && k->protocol == protocol)
			return k;
	}
	k = s->n_kinds < KINDS_MAX && protocol >= 0 && in->family > 0 && in->family < 256 &&
			    name_of(type_names(), in->type)
		    ? calloc(1, sizeof(*k))
		    : NULL;
	if (!k) {
		s->left_out = true;
		return NULL;
	}
	k->family = in->family;
	k->type = in->type;
	k->protocol = protocol;
	s->kinds[s->n_kinds++] = k;
	return k;
}

static void kind_open(struct kind *k, bool privileged)
{
	k->opened = true;
	if (k->family == AF_PACKET || (k->type == SOCK_RAW && (k->family == AF_INET ||
							       k->family == AF_INET6 ||
							       k->family == AF_BLUETOOTH)))
		k->lends |= LEND_NET_RAW;
	if (k->family == AF_NETLINK && privileged)
		k->lends |= LEND_NET_ADMIN;
}

/* ---- addresses --------------------------------------------------------- */

/* Joins the two with the smallest gap between. */
static void spans_join_nearest(struct spot *spot)
{
	size_t best = 0;

	for (size_t i = 1; i + 1 < spot->n_ports; i++)
		if (spot->ports[i + 1].first - spot->ports[i].last <
		    spot->ports[best + 1].first - spot->ports[best].last)
			best = i;
	spot->ports[best].last = spot->ports[best + 1].last;
	memmove(&spot->ports[best + 1], &spot->ports[best + 2],
		(spot->n_ports - best - 2) * sizeof(spot->ports[0]));
	spot->n_ports--;
}

/* 0, by which the kernel chooses, stays apart: a range would not mean it. */
static bool spans_touch(const struct span *low, const struct span *high)
{
	return low->last != 0 && high->first - low->last == 1;
}

/* False: a neighbour has been taken in. */
static bool spot_add_port(struct spot *spot, uint32_t port)
{
	size_t i = 0;

	while (i < spot->n_ports && spot->ports[i].last < port)
		i++;
	if (i < spot->n_ports && spot->ports[i].first <= port)
		return true;
	memmove(&spot->ports[i + 1], &spot->ports[i],
		(spot->n_ports - i) * sizeof(spot->ports[0]));
	spot->ports[i] = (struct span){ port, port };
	spot->n_ports++;
	/* Ports that follow one another are the same as their range. */
	for (size_t at = i ? i - 1 : 0; at <= i && at + 1 < spot->n_ports;) {
		if (!spans_touch(&spot->ports[at], &spot->ports[at + 1])) {
			at++;
			continue;
		}
		spot->ports[at].last = spot->ports[at + 1].last;
		memmove(&spot->ports[at + 1], &spot->ports[at + 2],
			(spot->n_ports - at - 2) * sizeof(spot->ports[0]));
		spot->n_ports--;
	}
	if (spot->n_ports <= SPANS_MAX)
		return true;
	spans_join_nearest(spot);
	return false;
}

static struct spot *spot_find(struct kind *k, enum action action, const char *where)
{
	for (size_t i = 0; i < k->n_spots; i++)
		if (k->spots[i].action == action && strcmp(k->spots[i].where, where) == 0)
			return &k->spots[i];
	return NULL;
}

static struct spot *spot_new(struct kind *k, enum action action, const char *where)
{
	struct spot *grown = realloc(k->spots, (k->n_spots + 1) * sizeof(*grown));
	struct spot *spot;

	if (!grown)
		return NULL;
	k->spots = grown;
	spot = &grown[k->n_spots++];
	memset(spot, 0, sizeof(*spot));
	spot->action = action;
	strcpy(spot->where, where);
	return spot;
}

/* One for this address, or when there are too many that of `any`. */
static struct spot *spot_of(struct kind *k, enum action action, const struct where *where)
{
	struct spot *spot = spot_find(k, action, where->text);
	size_t n = 0;

	if (spot)
		return spot;
	for (size_t i = 0; i < k->n_spots; i++)
		n += k->spots[i].action == action;
	if (n < SPOTS_MAX)
		return spot_new(k, action, where->text);
	if (where->special)
		return NULL;
	k->widened |= 1u << action;
	spot = spot_find(k, action, "any");
	return spot ? spot : spot_new(k, action, "any");
}

/* Bound to a port of the kernel's choice, which now has a number: next time it has another. */
static bool was_chosen(struct kind *k, const struct where *where)
{
	const struct spot *bound = spot_find(k, ACTION_BIND, where->text);
	bool chosen = false;

	for (size_t i = 0; bound && i < bound->n_ports; i++) {
		chosen = chosen || bound->ports[i].first == 0;
		if (bound->ports[i].first <= where->port && where->port <= bound->ports[i].last)
			return false;
	}
	return chosen;
}

static uint32_t address_lends(const struct kind *k, const struct intent *in,
			      const struct where *where, bool privileged)
{
	if (k->family == AF_NETLINK)
		return privileged && in->action != ACTION_LISTEN ? LEND_NET_ADMIN : 0;
	if (in->action == ACTION_BIND && where->has_port && where->port > 0 &&
	    where->port < PORT_UNPRIVILEGED && k->family != AF_RDS)
		return LEND_NET_BIND_SERVICE;
	return 0;
}

static void note_address(struct kind *k, const struct intent *in, bool privileged,
			 const char *interface)
{
	struct where where;
	struct spot *spot;

	if (in->action == ACTION_CONNECT && in->addr.len >= sizeof(sa_family_t) &&
	    in->addr.ss.ss_family == AF_UNSPEC)
		return;
	spot = where_of(in, interface, &where) ? spot_of(k, in->action, &where) : NULL;
	if (!spot) {
		k->left_out |= 1u << in->action;
		return;
	}
	if (k->family == AF_NETLINK && privileged && in->action == ACTION_SEND)
		kind_open(k, privileged);
	spot->lends |= address_lends(k, in, &where, privileged);
	if (!where.has_port || !kind_has_ports(k))
		return;
	if (in->action == ACTION_LISTEN && was_chosen(k, &where))
		where.port = 0;
	if (!spot_add_port(spot, where.port))
		k->widened |= 1u << in->action;
}

/* ---- options and ioctls ------------------------------------------------ */

static uint32_t option_lends(int level, int name, bool privileged)
{
	static const struct {
		int level, name;
		uint32_t lends;
	} rows[] = {
		{ SOL_SOCKET, SO_MARK, LEND_NET_ADMIN },
		{ SOL_SOCKET, SO_RCVMARK, LEND_NET_ADMIN },
		{ SOL_SOCKET, SO_DEBUG, LEND_NET_ADMIN },
		{ SOL_SOCKET, SO_SNDBUFFORCE, LEND_NET_ADMIN },
		{ SOL_SOCKET, SO_RCVBUFFORCE, LEND_NET_ADMIN },
		{ SOL_SOCKET, SO_BINDTODEVICE, LEND_NET_RAW },
		{ SOL_SOCKET, SO_BINDTOIFINDEX, LEND_NET_RAW },
		{ IPPROTO_IP, IP_TRANSPARENT, LEND_NET_ADMIN },
		{ IPPROTO_IP, IP_OPTIONS, LEND_NET_RAW },
		{ IPPROTO_IPV6, IPV6_TRANSPARENT, LEND_NET_ADMIN },
		{ IPPROTO_IPV6, IPV6_HOPOPTS, LEND_NET_RAW },
		{ IPPROTO_IPV6, IPV6_RTHDRDSTOPTS, LEND_NET_RAW },
		{ IPPROTO_IPV6, IPV6_RTHDR, LEND_NET_RAW },
		{ IPPROTO_IPV6, IPV6_DSTOPTS, LEND_NET_RAW },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].level == level && rows[i].name == name)
			return rows[i].lends;
	return privileged ? LEND_NET_ADMIN : 0;
}

static enum reach reach_of(const struct intent *in)
{
	if (in->action == ACTION_IOCTL)
		return ioctl_reaches_interface(in->ioctl) ? REACH_INTERFACE : REACH_SELF;
	if (option_reaches_interface(in->level, in->name))
		return REACH_INTERFACE;
	if (option_is_mark(in->level, in->name))
		return REACH_MARK;
	return option_is_netlink_group(in->level, in->name) ? REACH_GROUP : REACH_SELF;
}

static uint32_t ioctl_lends(unsigned long request)
{
	if (request == SIO_RCVALL)
		return LEND_NET_RAW;
	return ioctl_reaches_interface(request) ? LEND_NET_ADMIN : 0;
}

/* False: it has no name, or needs no rule, and so nothing is lent to it. */
static bool thing_of(const struct intent *in, bool privileged, const char *interface,
		     struct thing *ret)
{
	const struct sockopt *option = sockopt_find_for(in->family, in->level, in->name);
	const struct ioctl_row *ioctl = ioctl_find(in->ioctl);
	bool is_option = in->action == ACTION_OPTION;

	if (is_option ? !option || !option->named : !ioctl || !ioctl->named)
		return false;
	*ret = (struct thing){
		.action = in->action,
		.text = is_option ? option->text : ioctl->text,
		.reach = reach_of(in),
		.lends = is_option ? option_lends(in->level, in->name, privileged)
				   : ioctl_lends(in->ioctl),
	};
	if (ret->reach == REACH_INTERFACE)
		return interface_of(in, interface, ret->where, sizeof(ret->where));
	if (ret->reach == REACH_MARK)
		snprintf(ret->where, sizeof(ret->where), "%u", (uint32_t)in->value);
	if (ret->reach == REACH_GROUP)
		snprintf(ret->where, sizeof(ret->where), "%lld", in->value);
	return ret->reach != REACH_GROUP || (in->value >= 0 && in->value <= UINT16_MAX);
}

static void note_thing(struct kind *k, const struct intent *in, bool privileged,
		       const char *interface)
{
	struct thing thing;

	if (!thing_of(in, privileged, interface, &thing)) {
		k->left_out |= 1u << in->action;
		return;
	}
	for (size_t i = 0; i < k->n_things; i++) {
		struct thing *known = &k->things[i];

		if (known->action == thing.action && strcmp(known->text, thing.text) == 0 &&
		    strcmp(known->where, thing.where) == 0) {
			known->lends |= thing.lends;
			return;
		}
	}
	if (k->n_things < THINGS_MAX)
		k->things[k->n_things++] = thing;
	else
		k->left_out |= 1u << in->action;
}

/* ---- all --------------------------------------------------------------- */

static void note(struct kind *k, const struct intent *in, bool privileged, const char *interface)
{
	switch (in->action) {
	case ACTION_SOCKET:
	case ACTION_DIRECT:
		kind_open(k, privileged);
		break;
	case ACTION_BIND:
	case ACTION_LISTEN:
	case ACTION_CONNECT:
	case ACTION_SEND:
		note_address(k, in, privileged, interface);
		break;
	case ACTION_OPTION:
	case ACTION_IOCTL:
		note_thing(k, in, privileged, interface);
		break;
	default:
		break;
	}
}

void suggest_note(struct suggestion *s, const struct intent *in, bool privileged,
		  const char *interface)
{
	struct kind *k;

	pthread_mutex_lock(&s->lock);
	k = kind_of(s, in);
	if (k)
		note(k, in, privileged, interface);
	pthread_mutex_unlock(&s->lock);
}
