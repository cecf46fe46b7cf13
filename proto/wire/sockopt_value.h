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

int sockopt_filter_encode(const struct sockopt *, const uint8_t *value, size_t length,
		ProtobufCAllocator *, Sockbroker__V1__OptionValue *out);
int sockopt_filter_decode(const struct sockopt *, const Sockbroker__V1__OptionValue *,
		struct sockopt_place *out);
int sockopt_can_filters_encode(const struct sockopt *, const uint8_t *value, size_t length,
		ProtobufCAllocator *, Sockbroker__V1__OptionValue *out);
int sockopt_can_filters_decode(const struct sockopt *, const Sockbroker__V1__OptionValue *,
		struct sockopt_place *out);

#endif
