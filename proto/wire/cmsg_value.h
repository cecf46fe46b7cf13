/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmsg_value.h - the table of control messages, and their values. Private to
 * proto/wire: cmsg.c walks, this knows what stands in one message.
 */
#ifndef SB_WIRE_CMSG_VALUE_H
#define SB_WIRE_CMSG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sockbroker/v1/types.pb-c.h"

/* The payload of one message in kernel form. */
struct cmsg_payload {
	const void *data;  /* @local, or borrowed from the message */
	size_t len;
	uint8_t local[64]; /* the longest structure, scm_timestamping: 48 */
};

struct cmsg_row {
	int level;
	int type;
	Sockbroker__V1__ControlMessage__ValueCase value;
	size_t length_min; /* of the payload */
	size_t length_max; /* of an integer: its width when none is told */
	int (*encode)(const uint8_t *data, size_t len, ProtobufCAllocator *,
		      Sockbroker__V1__ControlMessage *out);
	int (*decode)(const struct cmsg_row *, const Sockbroker__V1__ControlMessage *,
		      struct cmsg_payload *out);
};

/* The row that takes a payload of @len bytes, or one of that value; NULL. A
 * level and type can have two: SCM_TIMESTAMPING is a set of flags when sent and
 * three times when received. SCM_RIGHTS has none: it is cmsg.c's. */
const struct cmsg_row *cmsg_row_of_length(int level, int type, size_t len);
const struct cmsg_row *cmsg_row_of_value(int level, int type,
					 Sockbroker__V1__ControlMessage__ValueCase value);
/* Whether there is one for any length. */
bool cmsg_type_is_known(int level, int type);

/* Returns 0, -EINVAL, -ENOMEM. On failure @out holds what was made so far. */
int cmsg_value_encode(const struct cmsg_row *, const uint8_t *data, size_t len,
		      ProtobufCAllocator *, Sockbroker__V1__ControlMessage *out);
/* Returns 0 or -EINVAL. */
int cmsg_value_decode(const struct cmsg_row *, const Sockbroker__V1__ControlMessage *,
		      struct cmsg_payload *ret);

/* The structures, for the table. */
int cmsg_credentials_encode(const uint8_t *data, size_t len, ProtobufCAllocator *,
		Sockbroker__V1__ControlMessage *out);
int cmsg_credentials_decode(const struct cmsg_row *, const Sockbroker__V1__ControlMessage *,
		struct cmsg_payload *out);
int cmsg_timeval_encode(const uint8_t *data, size_t len, ProtobufCAllocator *,
		Sockbroker__V1__ControlMessage *out);
int cmsg_timeval_decode(const struct cmsg_row *, const Sockbroker__V1__ControlMessage *,
		struct cmsg_payload *out);
int cmsg_timespec_encode(const uint8_t *data, size_t len, ProtobufCAllocator *,
		Sockbroker__V1__ControlMessage *out);
int cmsg_timespec_decode(const struct cmsg_row *, const Sockbroker__V1__ControlMessage *,
		struct cmsg_payload *out);
int cmsg_timestamping_encode(const uint8_t *data, size_t len, ProtobufCAllocator *,
		Sockbroker__V1__ControlMessage *out);
int cmsg_timestamping_decode(const struct cmsg_row *, const Sockbroker__V1__ControlMessage *,
		struct cmsg_payload *out);
int cmsg_packet_info_encode(const uint8_t *data, size_t len, ProtobufCAllocator *,
		Sockbroker__V1__ControlMessage *out);
int cmsg_packet_info_decode(const struct cmsg_row *, const Sockbroker__V1__ControlMessage *,
		struct cmsg_payload *out);
int cmsg_packet_info6_encode(const uint8_t *data, size_t len, ProtobufCAllocator *,
		Sockbroker__V1__ControlMessage *out);
int cmsg_packet_info6_decode(const struct cmsg_row *, const Sockbroker__V1__ControlMessage *,
		struct cmsg_payload *out);
int cmsg_extended_error_encode(const uint8_t *data, size_t len, ProtobufCAllocator *,
		Sockbroker__V1__ControlMessage *out);
int cmsg_extended_error_decode(const struct cmsg_row *, const Sockbroker__V1__ControlMessage *,
		struct cmsg_payload *out);
int cmsg_aux_data_encode(const uint8_t *data, size_t len, ProtobufCAllocator *,
		Sockbroker__V1__ControlMessage *out);
int cmsg_aux_data_decode(const struct cmsg_row *, const Sockbroker__V1__ControlMessage *,
		struct cmsg_payload *out);

#endif
