/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of socket options: one pair of functions for each kind, encode and
 * decode side by side; here the simple ones, groups and addresses in sockopt_group.c,
 * lists in sockopt_filter.c. Which option has which kind is in sockopt_table.c.
 *
 * A decoder writes the value in its own size; sockopt_decode() then makes it as
 * long as was asked for. Only kinds whose layout depends on that length look at
 * it (MEMBERSHIP and the lists).
 */
#include "wire/sockopt.h"

#include <errno.h>
#include <net/if.h>
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
	if (opt->width < sizeof(int32_t) && length > opt->width)
		length = opt->width;
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

/* An interface's index, of which IP_UNICAST_IF and IPV6_UNICAST_IF turn the
 * bytes; or, from a client that does not know our interfaces, its name. */
static int interface_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	Value index = { .kind_case = SOCKBROKER__V1__OPTION_VALUE__KIND_INTEGER };
	unsigned found = 0;

	if (in->kind_case == SOCKBROKER__V1__OPTION_VALUE__KIND_INTEGER)
		return integer_decode(opt, in, out);
	if (in->interface[0]) {
		found = strlen(in->interface) < IF_NAMESIZE ? if_nametoindex(in->interface) : 0;
		if (!found)
			return -ENODEV;
	}
	index.integer = sockopt_is_turned(opt) ? htonl(found) : found;
	return integer_decode(opt, &index, out);
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

/* ALG_SET_AEAD_AUTHSIZE: the length is the value. */
static int length_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			 ProtobufCAllocator *a, Value *out)
{
	(void)opt;
	(void)value;
	(void)length;
	(void)a;
	out->kind_case = SOCKBROKER__V1__OPTION_VALUE__KIND__NOT_SET;
	return 0;
}

static int length_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	(void)opt;
	(void)in;
	return out->length == SOCKOPT_NO_LENGTH ? -EINVAL : sockopt_put(out, NULL, 0);
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
#define GROUP(name) sockopt_##name##_encode, sockopt_##name##_decode

static const struct kind {
	Sockbroker__V1__OptionValue__KindCase value;
	bool may_be_empty; /* no bytes are a value, too */
	bool is_message;
	sockopt_encoder *encode;
	sockopt_decoder *decode;
} kinds[] = {
	[SOCKOPT_INTEGER] = { KIND(INTEGER), false, false, integer_encode, integer_decode },
	[SOCKOPT_INTERFACE] = { KIND(INTEGER), false, false, integer_encode, interface_decode },
	[SOCKOPT_TEXT] = { KIND(OCTETS), true, false, text_encode, text_decode },
	[SOCKOPT_OCTETS] = { KIND(OCTETS), true, false, octets_encode, octets_decode },
	[SOCKOPT_LENGTH] = { KIND(_NOT_SET), true, false, length_encode, length_decode },
	[SOCKOPT_LINGER] = { KIND(LINGER), false, true, linger_encode, linger_decode },
	[SOCKOPT_TIMEVAL] = { KIND(DURATION_NS), false, false, timeval_encode, timeval_decode },
	[SOCKOPT_MEMBERSHIP] = { KIND(MEMBERSHIP), false, true, GROUP(membership) },
	[SOCKOPT_MEMBERSHIP6] = { KIND(MEMBERSHIP6), false, true, GROUP(membership6) },
	[SOCKOPT_SOURCE_MEMBERSHIP] = { KIND(SOURCE_MEMBERSHIP), false, true,
					GROUP(source_membership) },
	[SOCKOPT_GROUP_REQUEST] = { KIND(GROUP_REQUEST), false, true, GROUP(group_request) },
	[SOCKOPT_GROUP_SOURCE] = { KIND(GROUP_REQUEST), false, true, GROUP(group_source) },
	[SOCKOPT_PACKET_MEMBERSHIP] = { KIND(PACKET_MEMBERSHIP), false, true,
					GROUP(packet_membership) },
	[SOCKOPT_PACKET_INFO6] = { KIND(PACKET_INFO6), false, true, GROUP(packet_info6) },
	[SOCKOPT_PATH_MTU] = { KIND(PATH_MTU), false, true, GROUP(path_mtu) },
	[SOCKOPT_ADDRESS] = { KIND(ADDRESS), false, true, GROUP(address) },
	[SOCKOPT_TCP_MD5] = { KIND(TCP_MD5), false, true, GROUP(tcp_md5) },
	[SOCKOPT_CREDENTIALS] = { KIND(CREDENTIALS), false, true, credentials_encode,
				  credentials_decode },
	[SOCKOPT_FILTER] = { KIND(FILTER), false, true, GROUP(filter) },
	[SOCKOPT_CAN_FILTERS] = { KIND(CAN_FILTERS), true, true, GROUP(can_filters) },
	[SOCKOPT_J1939_FILTERS] = { KIND(J1939_FILTERS), true, true, GROUP(j1939_filters) },
};

/* A name may stand for an index, in a request. */
static bool value_is_of_kind(const struct sockopt *opt, const Value *in)
{
	const struct kind *k = &kinds[opt->kind];

	if (opt->kind == SOCKOPT_INTERFACE && in->kind_case == KIND(INTERFACE))
		return in->interface;
	return in->kind_case == k->value && (!k->is_message || in->linger);
}

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
	if (!in || !value_is_of_kind(opt, in))
		return -EINVAL;
	r = k->decode(opt, in, &p);
	if (r < 0)
		return r;
	if (length && *length > p.used)
		memset(p.at + p.used, 0, *length - p.used);
	*ret_length = length ? *length : (socklen_t)p.used;
	return 0;
}
