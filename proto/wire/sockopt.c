/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of socket options: one pair of functions for each kind, encode and
 * decode side by side. Which option has which kind is in sockopt_table.c.
 *
 * A decoder writes the value in its own size; sockopt_decode() then makes it as
 * long as was asked for. Only kinds whose layout depends on that length look at
 * it (MEMBERSHIP, and FILTER, which is in sockopt_filter.c).
 */
#include "wire/sockopt.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>

#include "wire/build.h"
#include "wire/sockopt_value.h"

typedef Sockbroker__V1__OptionValue Value;

enum {
	TEXT_BYTES_MAX = 15, /* IFNAMSIZ, TCP_CA_NAME_MAX, TCP_ULP_NAME_MAX, less the NUL */
	NS_PER_US = 1000,
	US_PER_SECOND = 1000000,
};
static const int64_t NS_PER_SECOND = 1000000000;

/* Like the kernel, an int is read from the first four bytes, whatever follows;
 * from fewer it is what they hold, least significant first. */
static int integer_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			  ProtobufCAllocator *a, Value *out)
{
	(void)a;
	out->integer = 0;
	if (opt->width == sizeof(int64_t) && length >= sizeof(int64_t)) {
		memcpy(&out->integer, value, sizeof(int64_t));
	} else if (length >= sizeof(int32_t)) {
		int32_t number;

		memcpy(&number, value, sizeof(number));
		out->integer = number;
	} else {
		memcpy(&out->integer, value, length);
	}
	return 0;
}

/* Either sign is taken, as a C program's conversions do: SO_MARK is unsigned. */
static int integer_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	size_t width = opt->width;

	if (out->length < width)
		width = out->length < sizeof(int32_t) ? out->length : sizeof(int32_t);
	if (width < sizeof(int64_t)) {
		int64_t limit = (int64_t)1 << (8 * width);

		if (in->integer >= limit || in->integer < -limit / 2)
			return -EINVAL;
	}
	return sockopt_put(out, &in->integer, width);
}

static int text_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
		       ProtobufCAllocator *a, Value *out)
{
	(void)opt;
	return build_bytes(a, value, strnlen((const char *)value, length), &out->octets);
}

/* The kernel cuts a name that is too long. We refuse it: what was judged must
 * be what is set. */
static int text_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	(void)opt;
	if (in->octets.len > TEXT_BYTES_MAX || in->octets.len > out->length)
		return -EINVAL;
	if (in->octets.len && memchr(in->octets.data, 0, in->octets.len))
		return -EINVAL;
	return sockopt_put(out, in->octets.data, in->octets.len);
}

static int octets_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			 ProtobufCAllocator *a, Value *out)
{
	(void)opt;
	return build_bytes(a, value, length, &out->octets);
}

static int octets_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	(void)opt;
	if (in->octets.len > SOCKOPT_BYTES_MAX || in->octets.len > out->length)
		return -EINVAL;
	return sockopt_put(out, in->octets.data, in->octets.len);
}

static int linger_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			 ProtobufCAllocator *a, Value *out)
{
	struct linger linger;

	(void)opt;
	if (length < sizeof(linger))
		return -EINVAL;
	out->linger = build_message(a, &sockbroker__v1__option_value__linger__descriptor);
	if (!out->linger)
		return -ENOMEM;
	memcpy(&linger, value, sizeof(linger));
	out->linger->on = linger.l_onoff != 0;
	out->linger->seconds = linger.l_linger;
	return 0;
}

static int linger_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	struct linger linger = { .l_onoff = in->linger->on, .l_linger = in->linger->seconds };

	(void)opt;
	return sockopt_put(out, &linger, sizeof(linger));
}

/* What is longer than 292 years is 292 years. */
static int timeval_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			  ProtobufCAllocator *a, Value *out)
{
	struct timeval tv;

	(void)opt;
	(void)a;
	if (length < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, value, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= US_PER_SECOND)
		return -EDOM;
	if (__builtin_mul_overflow(tv.tv_sec, NS_PER_SECOND, &out->duration_ns) ||
	    __builtin_add_overflow(out->duration_ns, tv.tv_usec * NS_PER_US, &out->duration_ns))
		out->duration_ns = tv.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return 0;
}

/* Rounded up: one nanosecond must not become 0, which is for ever. */
static int timeval_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	struct timeval tv = { .tv_sec = in->duration_ns / NS_PER_SECOND };
	int64_t rest = in->duration_ns % NS_PER_SECOND;

	(void)opt;
	if (rest < 0) {
		rest += NS_PER_SECOND;
		tv.tv_sec--;
	}
	tv.tv_usec = (rest + NS_PER_US - 1) / NS_PER_US;
	if (tv.tv_usec == US_PER_SECOND) {
		tv.tv_usec = 0;
		tv.tv_sec++;
	}
	return sockopt_put(out, &tv, sizeof(tv));
}

/* An ip_mreqn, or an ip_mreq, which is its beginning, or, for IP_MULTICAST_IF,
 * an address alone. */
static int membership_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
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

static int membership_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	struct ip_mreqn mreq = { .imr_ifindex = in->membership->ifindex };

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

static int membership6_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
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

static int membership6_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	struct ipv6_mreq mreq = { .ipv6mr_interface = in->membership6->ifindex };

	(void)opt;
	if (take_bytes(&in->membership6->group, &mreq.ipv6mr_multiaddr,
		       sizeof(mreq.ipv6mr_multiaddr)))
		return -EINVAL;
	return sockopt_put(out, &mreq, sizeof(mreq));
}

static int packet_membership_encode(const struct sockopt *opt, const uint8_t *value,
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

static int packet_membership_decode(const struct sockopt *opt, const Value *in,
				    struct sockopt_place *out)
{
	const Sockbroker__V1__OptionValue__PacketMembership *m = in->packet_membership;
	struct packet_mreq mreq = { .mr_ifindex = m->ifindex };

	(void)opt;
	if (m->type > UINT16_MAX || m->address.len > sizeof(mreq.mr_address))
		return -EINVAL;
	mreq.mr_type = (unsigned short)m->type;
	mreq.mr_alen = (unsigned short)m->address.len;
	if (mreq.mr_alen)
		memcpy(mreq.mr_address, m->address.data, mreq.mr_alen);
	return sockopt_put(out, &mreq, sizeof(mreq));
}

static int credentials_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			      ProtobufCAllocator *a, Value *out)
{
	struct ucred ucred;

	(void)opt;
	if (length < sizeof(ucred))
		return -EINVAL;
	out->credentials =
		build_message(a, &sockbroker__v1__control_message__credentials__descriptor);
	if (!out->credentials)
		return -ENOMEM;
	memcpy(&ucred, value, sizeof(ucred));
	out->credentials->pid = ucred.pid;
	out->credentials->uid = ucred.uid;
	out->credentials->gid = ucred.gid;
	return 0;
}

static int credentials_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	struct ucred ucred = { .pid = in->credentials->pid, .uid = in->credentials->uid,
			       .gid = in->credentials->gid };

	(void)opt;
	return sockopt_put(out, &ucred, sizeof(ucred));
}

/* The kinds --------------------------------------------------------------- */

#define KIND(name) SOCKBROKER__V1__OPTION_VALUE__KIND_##name

static const struct kind {
	Sockbroker__V1__OptionValue__KindCase value;
	bool may_be_empty; /* no bytes are a value, too */
	bool is_message;
	int (*encode)(const struct sockopt *opt, const uint8_t *value, size_t length,
		      ProtobufCAllocator *a, Value *out);
	int (*decode)(const struct sockopt *opt, const Value *in, struct sockopt_place *out);
} kinds[] = {
	[SOCKOPT_INTEGER] = { KIND(INTEGER), false, false, integer_encode, integer_decode },
	[SOCKOPT_TEXT] = { KIND(OCTETS), true, false, text_encode, text_decode },
	[SOCKOPT_OCTETS] = { KIND(OCTETS), true, false, octets_encode, octets_decode },
	[SOCKOPT_LINGER] = { KIND(LINGER), false, true, linger_encode, linger_decode },
	[SOCKOPT_TIMEVAL] = { KIND(DURATION_NS), false, false, timeval_encode, timeval_decode },
	[SOCKOPT_MEMBERSHIP] = { KIND(MEMBERSHIP), false, true, membership_encode,
				 membership_decode },
	[SOCKOPT_MEMBERSHIP6] = { KIND(MEMBERSHIP6), false, true, membership6_encode,
				  membership6_decode },
	[SOCKOPT_PACKET_MEMBERSHIP] = { KIND(PACKET_MEMBERSHIP), false, true,
					packet_membership_encode, packet_membership_decode },
	[SOCKOPT_CREDENTIALS] = { KIND(CREDENTIALS), false, true, credentials_encode,
				  credentials_decode },
	[SOCKOPT_FILTER] = { KIND(FILTER), false, true, sockopt_filter_encode, sockopt_filter_decode },
	[SOCKOPT_CAN_FILTERS] = { KIND(CAN_FILTERS), true, true, sockopt_can_filters_encode,
				  sockopt_can_filters_decode },
};

int sockopt_encode(const struct sockopt *opt, const void *value, socklen_t length,
		   ProtobufCAllocator *allocator, Value **ret)
{
	const struct kind *k = &kinds[opt->kind];
	Value *m = build_message(allocator, &sockbroker__v1__option_value__descriptor);
	int r = 0;

	if (!m)
		return -ENOMEM;
	if (length || k->may_be_empty) {
		m->kind_case = k->value;
		r = k->encode(opt, value, length, allocator, m);
	}
	if (r < 0) {
		protobuf_c_message_free_unpacked(&m->base, allocator);
		return r;
	}
	*ret = m;
	return 0;
}

int sockopt_decode(const struct sockopt *opt, const Value *in, const uint32_t *length,
		   void *buffer, size_t size, socklen_t *ret_length)
{
	const struct kind *k = &kinds[opt->kind];
	struct sockopt_place p = { .at = buffer, .size = size,
				   .length = length ? *length : SOCKOPT_NO_LENGTH };
	int r;

	if (length && *length == 0) {
		*ret_length = 0;
		return 0;
	}
	if (length && (*length > size || *length > SOCKOPT_BYTES_MAX))
		return -EINVAL;
	if (!in || in->kind_case != k->value || (k->is_message && !in->linger))
		return -EINVAL;
	r = k->decode(opt, in, &p);
	if (r < 0)
		return r;
	if (length && *length > p.used)
		memset(p.at + p.used, 0, *length - p.used);
	*ret_length = length ? *length : (socklen_t)p.used;
	return 0;
}
