/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioctls_conf.c - SIOCGIFCONF, whose argument points to a list: each interface's
 * IPv4 addresses, as many as there is room for.
 */
#include "wire/ioctls_conf.h"

#include <errno.h>
#include <string.h>

#include "wire/addr.h"
#include "wire/build.h"

typedef Sockbroker__V1__IoctlValue Value;
typedef Sockbroker__V1__IoctlValue__Interfaces Interfaces;
typedef Sockbroker__V1__IoctlValue__Interface Interface;

#define BUFFER(name) SOCKBROKER__V1__IOCTL_VALUE__INTERFACES__BUFFER_##name

static Interfaces *interfaces_new(ProtobufCAllocator *a, Value *out)
{
	out->interfaces = build_message(a, &sockbroker__v1__ioctl_value__interfaces__descriptor);
	if (out->interfaces)
		out->kind_case = SOCKBROKER__V1__IOCTL_VALUE__KIND_INTERFACES;
	return out->interfaces;
}

int ioctl_conf_question_encode(const struct ifconf *in, ProtobufCAllocator *a, Value *out)
{
	Interfaces *m = interfaces_new(a, out);

	if (!m)
		return -ENOMEM;
	if (in->ifc_buf) {
		m->buffer_case = BUFFER(ROOM);
		m->room = in->ifc_len > 0 ? (uint32_t)in->ifc_len : 0;
	}
	return 0;
}

static const Interfaces *interfaces_of(const Value *in)
{
	return in && in->kind_case == SOCKBROKER__V1__IOCTL_VALUE__KIND_INTERFACES
		? in->interfaces : NULL;
}

int ioctl_conf_question_decode(const Value *in, struct ifconf *ret)
{
	const Interfaces *m = interfaces_of(in);

	if (!m)
		return -EINVAL;
	ret->ifc_buf = NULL;
	ret->ifc_len = -1;
	if (m->buffer_case == BUFFER(ROOM))
		ret->ifc_len = m->room < IOCTL_CONF_BYTES_MAX ? (int)m->room : IOCTL_CONF_BYTES_MAX;
	return 0;
}

static int one_encode(const struct ifreq *ifr, ProtobufCAllocator *a, Interface **ret)
{
	Interface *m = build_message(a, &sockbroker__v1__ioctl_value__interface__descriptor);
	int r;

	if (!m)
		return -ENOMEM;
	*ret = m;
	r = build_text(a, ifr->ifr_name, IFNAMSIZ - 1, &m->name);
	if (r == 0)
		r = addr_encode(&ifr->ifr_addr, sizeof(ifr->ifr_addr), a, &m->address);
	if (r == 0)
		m->value_case = SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE_ADDRESS;
	return r;
}

static int list_encode(const struct ifconf *in, ProtobufCAllocator *a, Interfaces *m)
{
	size_t n = in->ifc_len > 0 ? (size_t)in->ifc_len / sizeof(struct ifreq) : 0;
	int r = 0;

	m->interfaces = build_alloc(a, n * sizeof(*m->interfaces));
	if (!m->interfaces)
		return -ENOMEM;
	while (r == 0 && m->n_interfaces < n) {
		m->interfaces[m->n_interfaces] = NULL;
		r = one_encode(&in->ifc_req[m->n_interfaces], a, &m->interfaces[m->n_interfaces]);
		if (m->interfaces[m->n_interfaces])
			m->n_interfaces++;
	}
	return r;
}

int ioctl_conf_encode(const struct ifconf *in, ProtobufCAllocator *allocator, Value **ret)
{
	Value *m = build_message(allocator, &sockbroker__v1__ioctl_value__descriptor);
	int r = -ENOMEM;

	if (!m)
		return -ENOMEM;
	if (interfaces_new(allocator, m) && in->ifc_buf) {
		r = list_encode(in, allocator, m->interfaces);
	} else if (m->interfaces) {
		m->interfaces->buffer_case = BUFFER(ROOM);
		m->interfaces->room = in->ifc_len > 0 ? (uint32_t)in->ifc_len : 0;
		r = 0;
	}
	if (r < 0) {
		protobuf_c_message_free_unpacked(&m->base, allocator);
		return r;
	}
	*ret = m;
	return 0;
}

static int one_decode(const Interface *in, struct ifreq *ret)
{
	struct sock_addr addr;
	size_t n = strlen(in->name);

	if (in->value_case != SOCKBROKER__V1__IOCTL_VALUE__INTERFACE__VALUE_ADDRESS ||
	    n >= IFNAMSIZ || addr_decode(in->address, &addr) < 0 || addr.ss.ss_family != AF_INET)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->ifr_name, in->name, n + 1);
	memcpy(&ret->ifr_addr, &addr.ss, addr.len);
	return 0;
}

int ioctl_conf_decode(const Value *in, struct ifconf *out)
{
	const Interfaces *m = interfaces_of(in);
	size_t room = out->ifc_len > 0 ? (size_t)out->ifc_len / sizeof(struct ifreq) : 0;

	if (!m || (!out->ifc_buf && m->room > INT32_MAX))
		return -EINVAL;
	if (!out->ifc_buf) {
		out->ifc_len = (int)m->room;
		return 0;
	}
	if (room > m->n_interfaces)
		room = m->n_interfaces;
	for (size_t i = 0; i < room; i++) {
		struct ifreq one;
		int r = one_decode(m->interfaces[i], &one);

		if (r < 0)
			return r;
		memcpy(out->ifc_buf + i * sizeof(one), &one, sizeof(one));
	}
	out->ifc_len = (int)(room * sizeof(struct ifreq));
	return 0;
}
