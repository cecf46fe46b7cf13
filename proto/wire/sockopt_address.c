/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockopt_address.c - options whose value has an address in it. In the kernel's
 * structures that is a sockaddr_storage of which the family tells how much is
 * meant.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>

#include "wire/addr.h"
#include "wire/build.h"
#include "wire/sockopt.h"
#include "wire/sockopt_value.h"

typedef Sockbroker__V1__OptionValue Value;

static int storage_encode(const struct sockaddr_storage *ss, ProtobufCAllocator *a,
			  Sockbroker__V1__Address **ret)
{
	if (ss->ss_family != AF_INET && ss->ss_family != AF_INET6)
		return -EINVAL;
	return addr_encode((const struct sockaddr *)ss,
			   ss->ss_family == AF_INET ? sizeof(struct sockaddr_in)
						    : sizeof(struct sockaddr_in6), a, ret);
}

static int storage_decode(const Sockbroker__V1__Address *in, struct sockaddr_storage *ret)
{
	struct sock_addr a;

	if (addr_decode(in, &a) < 0 ||
	    (a.ss.ss_family != AF_INET && a.ss.ss_family != AF_INET6))
		return -EINVAL;
	*ret = a.ss;
	return 0;
}

int sockopt_group_request_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
				 ProtobufCAllocator *a, Value *out)
{
	struct group_req req;

	(void)opt;
	if (length < sizeof(req))
		return -EINVAL;
	out->group_request =
		build_message(a, &sockbroker__v1__option_value__group_request__descriptor);
	if (!out->group_request)
		return -ENOMEM;
	memcpy(&req, value, sizeof(req));
	out->group_request->ifindex = req.gr_interface;
	return storage_encode(&req.gr_group, a, &out->group_request->group);
}

int sockopt_group_request_decode(const struct sockopt *opt, const Value *in,
				 struct sockopt_place *out)
{
	const Sockbroker__V1__OptionValue__GroupRequest *m = in->group_request;
	struct group_req req;
	int ifindex, r = sockopt_interface(m->ifindex, m->interface, &ifindex);

	(void)opt;
	memset(&req, 0, sizeof(req)); /* the padding, too */
	if (r == 0 && m->source)
		r = -EINVAL;
	if (r == 0)
		r = storage_decode(m->group, &req.gr_group);
	if (r < 0)
		return r;
	req.gr_interface = (uint32_t)ifindex;
	return sockopt_put(out, &req, sizeof(req));
}

int sockopt_group_source_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
				ProtobufCAllocator *a, Value *out)
{
	struct group_source_req req;
	int r;

	(void)opt;
	if (length < sizeof(req))
		return -EINVAL;
	out->group_request =
		build_message(a, &sockbroker__v1__option_value__group_request__descriptor);
	if (!out->group_request)
		return -ENOMEM;
	memcpy(&req, value, sizeof(req));
	out->group_request->ifindex = req.gsr_interface;
	r = storage_encode(&req.gsr_group, a, &out->group_request->group);
	return r < 0 ? r : storage_encode(&req.gsr_source, a, &out->group_request->source);
}

int sockopt_group_source_decode(const struct sockopt *opt, const Value *in,
				struct sockopt_place *out)
{
	const Sockbroker__V1__OptionValue__GroupRequest *m = in->group_request;
	struct group_source_req req;
	int ifindex, r = sockopt_interface(m->ifindex, m->interface, &ifindex);

	(void)opt;
	memset(&req, 0, sizeof(req));
	if (r == 0)
		r = storage_decode(m->group, &req.gsr_group);
	if (r == 0)
		r = storage_decode(m->source, &req.gsr_source);
	if (r < 0)
		return r;
	req.gsr_interface = (uint32_t)ifindex;
	return sockopt_put(out, &req, sizeof(req));
}

int sockopt_packet_info6_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
				ProtobufCAllocator *a, Value *out)
{
	struct in6_pktinfo info;

	(void)opt;
	if (length < sizeof(info))
		return -EINVAL;
	out->packet_info6 =
		build_message(a, &sockbroker__v1__control_message__packet_info6__descriptor);
	if (!out->packet_info6)
		return -ENOMEM;
	memcpy(&info, value, sizeof(info));
	out->packet_info6->ifindex = (int32_t)info.ipi6_ifindex;
	return build_bytes(a, &info.ipi6_addr, sizeof(info.ipi6_addr), &out->packet_info6->addr);
}

int sockopt_packet_info6_decode(const struct sockopt *opt, const Value *in,
				struct sockopt_place *out)
{
	struct in6_pktinfo info = { .ipi6_ifindex = (unsigned)in->packet_info6->ifindex };

	(void)opt;
	if (take_bytes(&in->packet_info6->addr, &info.ipi6_addr, sizeof(info.ipi6_addr)))
		return -EINVAL;
	return sockopt_put(out, &info, sizeof(info));
}

int sockopt_path_mtu_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			    ProtobufCAllocator *a, Value *out)
{
	struct ip6_mtuinfo info;

	(void)opt;
	if (length < sizeof(info))
		return -EINVAL;
	out->path_mtu = build_message(a, &sockbroker__v1__control_message__path_mtu__descriptor);
	if (!out->path_mtu)
		return -ENOMEM;
	memcpy(&info, value, sizeof(info));
	out->path_mtu->mtu = info.ip6m_mtu;
	if (info.ip6m_addr.sin6_family != AF_INET6)
		return -EINVAL;
	return addr_encode((const struct sockaddr *)&info.ip6m_addr, sizeof(info.ip6m_addr), a,
			   &out->path_mtu->destination);
}

int sockopt_path_mtu_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	struct ip6_mtuinfo info = { .ip6m_mtu = in->path_mtu->mtu };
	struct sock_addr a;

	(void)opt;
	if (addr_decode(in->path_mtu->destination, &a) < 0 || a.ss.ss_family != AF_INET6)
		return -EINVAL;
	memcpy(&info.ip6m_addr, &a.ss, a.len);
	return sockopt_put(out, &info, sizeof(info));
}

int sockopt_address_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			   ProtobufCAllocator *a, Value *out)
{
	int r = addr_encode((const struct sockaddr *)value, (socklen_t)length, a, &out->address);

	(void)opt;
	return r == -ENOMEM ? r : r < 0 ? -EINVAL : 0;
}

int sockopt_address_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	struct sock_addr a;

	(void)opt;
	if (addr_decode(in->address, &a) < 0)
		return -EINVAL;
	return sockopt_put(out, &a.ss, a.len);
}

/* What libc calls padding is the index of a VRF. */
int sockopt_tcp_md5_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			   ProtobufCAllocator *a, Value *out)
{
	Sockbroker__V1__OptionValue__TcpMd5 *m;
	struct tcp_md5sig sig;
	int r;

	(void)opt;
	if (length < sizeof(sig))
		return -EINVAL;
	memcpy(&sig, value, sizeof(sig));
	if (sig.tcpm_keylen > sizeof(sig.tcpm_key))
		return -EINVAL;
	m = build_message(a, &sockbroker__v1__option_value__tcp_md5__descriptor);
	if (!m)
		return -ENOMEM;
	out->tcp_md5 = m;
	m->flags = sig.tcpm_flags;
	m->prefix_length = sig.tcpm_prefixlen;
	m->ifindex = (int32_t)sig.__tcpm_pad;
	r = storage_encode(&sig.tcpm_addr, a, &m->address);
	return r < 0 ? r : build_bytes(a, sig.tcpm_key, sig.tcpm_keylen, &m->key);
}

int sockopt_tcp_md5_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	const Sockbroker__V1__OptionValue__TcpMd5 *m = in->tcp_md5;
	struct tcp_md5sig sig = { .__tcpm_pad = (uint32_t)m->ifindex };

	(void)opt;
	if (m->flags > UINT8_MAX || m->prefix_length > UINT8_MAX ||
	    m->key.len > sizeof(sig.tcpm_key) || storage_decode(m->address, &sig.tcpm_addr) < 0)
		return -EINVAL;
	sig.tcpm_flags = (uint8_t)m->flags;
	sig.tcpm_prefixlen = (uint8_t)m->prefix_length;
	sig.tcpm_keylen = (uint16_t)m->key.len;
	if (m->key.len)
		memcpy(sig.tcpm_key, m->key.data, m->key.len);
	return sockopt_put(out, &sig, sizeof(sig));
}
