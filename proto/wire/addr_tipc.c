/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr_tipc.c - addresses of AF_TIPC: a socket's identity, a service, or a range of
 * services. With a message from a member of a group come two, one behind the
 * other: whose socket, and which member.
 */
#include <errno.h>
#include <linux/tipc.h>
#include <stdint.h>
#include <string.h>

#include "wire/addr_family.h"
#include "wire/build.h"

typedef Sockbroker__V1__Address Address;
typedef Sockbroker__V1__Address__Tipc Tipc;

#define ADDRESS(name) SOCKBROKER__V1__ADDRESS__TIPC__ADDRESS_##name

static int tipc_decode_one(const Tipc *m, struct sockaddr_tipc *out)
{
	if (m->scope < INT8_MIN || m->scope > INT8_MAX || !m->id)
		return -EINVAL;
	out->family = AF_TIPC;
	out->scope = (signed char)m->scope;
	switch (m->address_case) {
	case ADDRESS(ID):
		out->addrtype = TIPC_SOCKET_ADDR;
		out->addr.id.node = m->id->node;
		out->addr.id.ref = m->id->ref;
		return 0;
	case ADDRESS(NAME):
		out->addrtype = TIPC_SERVICE_ADDR;
		out->addr.name.name.type = m->name->type;
		out->addr.name.name.instance = m->name->instance;
		out->addr.name.domain = m->name->domain;
		return 0;
	case ADDRESS(RANGE):
		out->addrtype = TIPC_SERVICE_RANGE;
		out->addr.nameseq.type = m->range->type;
		out->addr.nameseq.lower = m->range->lower;
		out->addr.nameseq.upper = m->range->upper;
		return 0;
	default:
		return -EINVAL;
	}
}

int tipc_decode(const Address *in, struct sock_addr *out)
{
	struct sockaddr_tipc pair[2] = { { 0 } };
	int r = tipc_decode_one(in->tipc, &pair[0]);

	if (r == 0 && in->tipc->member)
		r = in->tipc->member->member ? -EINVAL
					     : tipc_decode_one(in->tipc->member, &pair[1]);
	memcpy(&out->ss, pair, sizeof(pair));
	out->len = in->tipc->member ? sizeof(pair) : sizeof(pair[0]);
	return r;
}

static int id_encode(const struct sockaddr_tipc *sa, ProtobufCAllocator *a, Tipc *m)
{
	m->id = build_message(a, &sockbroker__v1__address__tipc__id__descriptor);
	if (!m->id)
		return -ENOMEM;
	m->address_case = ADDRESS(ID);
	m->id->node = sa->addr.id.node;
	m->id->ref = sa->addr.id.ref;
	return 0;
}

static int name_encode(const struct sockaddr_tipc *sa, ProtobufCAllocator *a, Tipc *m)
{
	m->name = build_message(a, &sockbroker__v1__address__tipc__name__descriptor);
	if (!m->name)
		return -ENOMEM;
	m->address_case = ADDRESS(NAME);
	m->name->type = sa->addr.name.name.type;
	m->name->instance = sa->addr.name.name.instance;
	m->name->domain = sa->addr.name.domain;
	return 0;
}

static int range_encode(const struct sockaddr_tipc *sa, ProtobufCAllocator *a, Tipc *m)
{
	m->range = build_message(a, &sockbroker__v1__address__tipc__range__descriptor);
	if (!m->range)
		return -ENOMEM;
	m->address_case = ADDRESS(RANGE);
	m->range->type = sa->addr.nameseq.type;
	m->range->lower = sa->addr.nameseq.lower;
	m->range->upper = sa->addr.nameseq.upper;
	return 0;
}

static int tipc_encode_one(const void *at, ProtobufCAllocator *a, Tipc **ret)
{
	Tipc *m = build_message(a, &sockbroker__v1__address__tipc__descriptor);
	struct sockaddr_tipc sa;

	if (!m)
		return -ENOMEM;
	*ret = m;
	memcpy(&sa, at, sizeof(sa));
	m->scope = sa.scope;
	if (sa.addrtype == TIPC_SOCKET_ADDR)
		return id_encode(&sa, a, m);
	if (sa.addrtype == TIPC_SERVICE_ADDR)
		return name_encode(&sa, a, m);
	return sa.addrtype == TIPC_SERVICE_RANGE ? range_encode(&sa, a, m) : -EINVAL;
}

int tipc_encode(const void *sa, size_t len, ProtobufCAllocator *a, Address *out)
{
	const struct sockaddr_tipc *pair = sa; /* the copy is aligned */
	int r;

	out->kind_case = SOCKBROKER__V1__ADDRESS__KIND_TIPC;
	r = tipc_encode_one(&pair[0], a, &out->tipc);
	if (r == 0 && len == sizeof(pair[0]) * 2 && pair[1].family == AF_TIPC)
		r = tipc_encode_one(&pair[1], a, &out->tipc->member);
	return r;
}
