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
	uint8_t local[64]; /* the longest: a vector of AF_ALG */
};

struct cmsg_row;
typedef int cmsg_encoder(const uint8_t *data, size_t len, ProtobufCAllocator *,
			 Sockbroker__V1__ControlMessage *out);
typedef int cmsg_decoder(const struct cmsg_row *, const Sockbroker__V1__ControlMessage *,
			 struct cmsg_payload *out);

struct cmsg_row {
	int level;
	int type;
	Sockbroker__V1__ControlMessage__ValueCase value;
	size_t length_min; /* of the payload */
	size_t length_max; /* of an integer: its width when none is told */
	cmsg_encoder *encode;
	cmsg_decoder *decode;
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

/* The structures, for the table: cmsg_structs.c and cmsg_families.c. */
cmsg_encoder cmsg_credentials_encode, cmsg_timeval_encode, cmsg_timespec_encode,
	cmsg_timestamping_encode, cmsg_timestamping_packet_encode, cmsg_packet_info_encode,
	cmsg_packet_info6_encode, cmsg_extended_error_encode, cmsg_aux_data_encode;
cmsg_decoder cmsg_credentials_decode, cmsg_timeval_decode, cmsg_timespec_decode,
	cmsg_timestamping_decode, cmsg_timestamping_packet_decode, cmsg_packet_info_decode,
	cmsg_packet_info6_decode, cmsg_extended_error_decode, cmsg_aux_data_decode;
cmsg_encoder cmsg_address_encode, cmsg_path_mtu_encode, cmsg_sctp_init_encode,
	cmsg_sctp_sndrcv_encode, cmsg_sctp_sndinfo_encode, cmsg_sctp_rcvinfo_encode,
	cmsg_sctp_next_encode, cmsg_sctp_partial_encode, cmsg_tipc_error_encode,
	cmsg_tipc_name_encode, cmsg_alg_iv_encode;
cmsg_decoder cmsg_address_decode, cmsg_path_mtu_decode, cmsg_sctp_init_decode,
	cmsg_sctp_sndrcv_decode, cmsg_sctp_sndinfo_decode, cmsg_sctp_rcvinfo_decode,
	cmsg_sctp_next_decode, cmsg_sctp_partial_decode, cmsg_tipc_error_decode,
	cmsg_tipc_name_decode, cmsg_alg_iv_decode;

#endif
