/* SPDX-License-Identifier: Apache-2.0 */
/* sockopt_group.c - options that join groups, and which interface an option is about. */
#include <errno.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "wire/build.h"
#include "wire/sockopt.h"
#include "wire/sockopt_value.h"

typedef Sockbroker__V1__OptionValue Value;

int sockopt_interface(int64_t ifindex, const char *name, int *ret)
{
	if (ifindex < INT_MIN || ifindex > UINT32_MAX || (ifindex && name[0]))
		return -EINVAL;
	if (name[0]) {
		ifindex = strlen(name) < IF_NAMESIZE ? if_nametoindex(name) : 0;
		if (!ifindex)
			return -ENODEV;
	}
	*ret = (int)ifindex; /* no interface has one above INT_MAX: the kernel says so */
	return 0;
}

bool sockopt_is_turned(const struct sockopt *opt)
{
	return (opt->level == IPPROTO_IP && opt->name == IP_UNICAST_IF) ||
	       (opt->level == IPPROTO_IPV6 && opt->name == IPV6_UNICAST_IF);
}

/* An ip_mreqn, or an ip_mreq, which is its beginning, or, for IP_MULTICAST_IF,
 * an address alone. */
int sockopt_membership_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			     ProtobufCAllocator *a, Value *out)
{
	Sockbroker__V1__OptionValue__Membership *m;
	struct ip_mreqn mreq = { .imr_ifindex = 0 };
	int r = 0;

	if (length >= sizeof(mreq))
		memcpy(&mreq, value, sizeof(mreq));
	else if (length >= sizeof(struct ip_mreq))
		memcpy(&mreq, value, sizeof(struct ip_mreq));
	else if (length >= sizeof(struct in_addr) && opt->name == IP_MULTICAST_IF)
		memcpy(&mreq.imr_address, value, sizeof(struct in_addr));
	else
		return -EINVAL;
	m = build_message(a, &sockbroker__v1__option_value__membership__descriptor);
	if (!m)
		return -ENOMEM;
	out->membership = m;
	m->ifindex = mreq.imr_ifindex;
	if (length >= sizeof(struct ip_mreq))
		r = build_bytes(a, &mreq.imr_multiaddr, sizeof(struct in_addr), &m->group);
	if (r == 0)
		r = build_bytes(a, &mreq.imr_address, sizeof(struct in_addr), &m->address);
	return r;
}

int sockopt_membership_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	struct ip_mreqn mreq = { .imr_ifindex = 0 };
	int r = sockopt_interface(in->membership->ifindex, in->membership->interface,
				  &mreq.imr_ifindex);

	if (r < 0)
		return r;
	if (take_bytes(&in->membership->group, &mreq.imr_multiaddr, sizeof(struct in_addr)) ||
	    take_bytes(&in->membership->address, &mreq.imr_address, sizeof(struct in_addr)))
		return -EINVAL;
	if (out->length >= sizeof(mreq))
		return sockopt_put(out, &mreq, sizeof(mreq));
	if (mreq.imr_ifindex)
		return -EINVAL; /* no room for it: another interface would be meant */
	if (out->length < sizeof(struct ip_mreq) && opt->name == IP_MULTICAST_IF)
		return sockopt_put(out, &mreq.imr_address, sizeof(struct in_addr));
	return sockopt_put(out, &mreq, sizeof(struct ip_mreq));
}

int sockopt_membership6_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			      ProtobufCAllocator *a, Value *out)
{
	struct ipv6_mreq mreq;

	(void)opt;
	if (length < sizeof(mreq))
		return -EINVAL;
	out->membership6 = build_message(a, &sockbroker__v1__option_value__membership6__descriptor);
	if (!out->membership6)
		return -ENOMEM;
	memcpy(&mreq, value, sizeof(mreq));
	out->membership6->ifindex = mreq.ipv6mr_interface;
	return build_bytes(a, &mreq.ipv6mr_multiaddr, sizeof(mreq.ipv6mr_multiaddr),
			   &out->membership6->group);
}

int sockopt_membership6_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	struct ipv6_mreq mreq = { .ipv6mr_interface = 0 };
	int ifindex, r = sockopt_interface(in->membership6->ifindex, in->membership6->interface,
					   &ifindex);

	(void)opt;
	if (r < 0)
		return r;
	mreq.ipv6mr_interface = (unsigned)ifindex;
	if (take_bytes(&in->membership6->group, &mreq.ipv6mr_multiaddr,
		       sizeof(mreq.ipv6mr_multiaddr)))
		return -EINVAL;
	return sockopt_put(out, &mreq, sizeof(mreq));
}

int sockopt_packet_membership_encode(const struct sockopt *opt, const uint8_t *value,
				    size_t length, ProtobufCAllocator *a, Value *out)
{
	Sockbroker__V1__OptionValue__PacketMembership *m;
	struct packet_mreq mreq;

	(void)opt;
	if (length < sizeof(mreq))
		return -EINVAL;
	memcpy(&mreq, value, sizeof(mreq));
	if (mreq.mr_alen > sizeof(mreq.mr_address))
		return -EINVAL;
	m = build_message(a, &sockbroker__v1__option_value__packet_membership__descriptor);
	if (!m)
		return -ENOMEM;
	out->packet_membership = m;
	m->ifindex = mreq.mr_ifindex;
	m->type = mreq.mr_type;
	return build_bytes(a, mreq.mr_address, mreq.mr_alen, &m->address);
}

int sockopt_packet_membership_decode(const struct sockopt *opt, const Value *in,
				    struct sockopt_place *out)
{
	const Sockbroker__V1__OptionValue__PacketMembership *m = in->packet_membership;
	struct packet_mreq mreq = { .mr_ifindex = 0 };
	int r = sockopt_interface(m->ifindex, m->interface, &mreq.mr_ifindex);

	(void)opt;
	if (r < 0)
		return r;
	if (m->type > UINT16_MAX || m->address.len > sizeof(mreq.mr_address))
		return -EINVAL;
	mreq.mr_type = (unsigned short)m->type;
	mreq.mr_alen = (unsigned short)m->address.len;
	if (mreq.mr_alen)
		memcpy(mreq.mr_address, m->address.data, mreq.mr_alen);
	return sockopt_put(out, &mreq, sizeof(mreq));
}

int sockopt_source_membership_encode(const struct sockopt *opt, const uint8_t *value,
				     size_t length, ProtobufCAllocator *a, Value *out)
{
	Sockbroker__V1__OptionValue__SourceMembership *m;
	struct ip_mreq_source mreq;
	int r;

	(void)opt;
	if (length < sizeof(mreq))
		return -EINVAL;
	m = build_message(a, &sockbroker__v1__option_value__source_membership__descriptor);
	if (!m)
		return -ENOMEM;
	out->source_membership = m;
	memcpy(&mreq, value, sizeof(mreq));
	r = build_bytes(a, &mreq.imr_multiaddr, sizeof(struct in_addr), &m->group);
	if (r == 0)
		r = build_bytes(a, &mreq.imr_interface, sizeof(struct in_addr), &m->address);
	if (r == 0)
		r = build_bytes(a, &mreq.imr_sourceaddr, sizeof(struct in_addr), &m->source);
	return r;
}

int sockopt_source_membership_decode(const struct sockopt *opt, const Value *in,
				     struct sockopt_place *out)
{
	const Sockbroker__V1__OptionValue__SourceMembership *m = in->source_membership;
	struct ip_mreq_source mreq;

	(void)opt;
	if (take_bytes(&m->group, &mreq.imr_multiaddr, sizeof(struct in_addr)) ||
	    take_bytes(&m->address, &mreq.imr_interface, sizeof(struct in_addr)) ||
	    take_bytes(&m->source, &mreq.imr_sourceaddr, sizeof(struct in_addr)))
		return -EINVAL;
	return sockopt_put(out, &mreq, sizeof(mreq));
}

/* Where, in the kernel's form, an interface's index stands. */
static const struct {
	enum sockopt_kind kind;
	size_t offset;
} places[] = {
	{ SOCKOPT_INTERFACE, 0 },
	{ SOCKOPT_MEMBERSHIP, offsetof(struct ip_mreqn, imr_ifindex) },
	{ SOCKOPT_MEMBERSHIP6, offsetof(struct ipv6_mreq, ipv6mr_interface) },
	{ SOCKOPT_GROUP_REQUEST, offsetof(struct group_req, gr_interface) },
	{ SOCKOPT_GROUP_SOURCE, offsetof(struct group_source_req, gsr_interface) },
	{ SOCKOPT_PACKET_MEMBERSHIP, offsetof(struct packet_mreq, mr_ifindex) },
	{ SOCKOPT_PACKET_INFO6, offsetof(struct in6_pktinfo, ipi6_ifindex) },
};

int sockopt_ifindex(const struct sockopt *opt, const void *value, size_t length)
{
	char name[IF_NAMESIZE] = { 0 };
	uint32_t index = 0;

	if (opt->level == SOL_SOCKET && opt->name == SO_BINDTODEVICE && length < sizeof(name)) {
		memcpy(name, value, length);
		return (int)if_nametoindex(name);
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].kind != opt->kind || length < places[i].offset + sizeof(index))
			continue;
		memcpy(&index, (const char *)value + places[i].offset, sizeof(index));
		return (int)(sockopt_is_turned(opt) ? ntohl(index) : index);
	}
	return 0;
}
