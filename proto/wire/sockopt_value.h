/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockopt_value.h - what the kinds of option values share. Private to
 * proto/wire.
 */
#ifndef SB_WIRE_SOCKOPT_VALUE_H
#define SB_WIRE_SOCKOPT_VALUE_H

#include <errno.h>
#include <string.h>

#include "wire/sockopt.h"

static const uint32_t SOCKOPT_NO_LENGTH = UINT32_MAX;

/* Where a value is put, and how. */
struct sockopt_place {
	uint8_t *at;
	size_t size;
	uint32_t length; /* asked for, or SOCKOPT_NO_LENGTH */
	size_t used;     /* out */
};

static inline int sockopt_put(struct sockopt_place *p, const void *value, size_t n)
{
	if (n > p->size)
		return -EINVAL;
	if (n)
		memcpy(p->at, value, n);
	p->used = n;
	return 0;
}

typedef int sockopt_encoder(const struct sockopt *, const uint8_t *value, size_t length,
			    ProtobufCAllocator *, Sockbroker__V1__OptionValue *out);
typedef int sockopt_decoder(const struct sockopt *, const Sockbroker__V1__OptionValue *,
			    struct sockopt_place *out);

/* sockopt_group.c */
sockopt_encoder sockopt_membership_encode, sockopt_membership6_encode,
	sockopt_source_membership_encode, sockopt_packet_membership_encode;
sockopt_decoder sockopt_membership_decode, sockopt_membership6_decode,
	sockopt_source_membership_decode, sockopt_packet_membership_decode;
/* sockopt_address.c */
sockopt_encoder sockopt_group_request_encode, sockopt_group_source_encode,
	sockopt_packet_info6_encode, sockopt_path_mtu_encode, sockopt_address_encode,
	sockopt_tcp_md5_encode;
sockopt_decoder sockopt_group_request_decode, sockopt_group_source_decode,
	sockopt_packet_info6_decode, sockopt_path_mtu_decode, sockopt_address_decode,
	sockopt_tcp_md5_decode;
/* sockopt_filter.c */
sockopt_encoder sockopt_filter_encode, sockopt_can_filters_encode, sockopt_j1939_filters_encode;
sockopt_decoder sockopt_filter_decode, sockopt_can_filters_decode, sockopt_j1939_filters_decode;

/* An integer that is an index with its bytes turned: IP_UNICAST_IF. */
bool sockopt_is_turned(const struct sockopt *);

/* An index, or else a name that has one; 0 and none are 0. Returns 0, -EINVAL, -ENODEV. */
int sockopt_interface(int64_t ifindex, const char *name, int *ret);

#endif
