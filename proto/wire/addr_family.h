/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr_family.h - the families behind addr.c, one pair of functions for each
 * kind of address. Private to proto/wire.
 *
 * A decoder fills in a zeroed sock_addr from the message in @in's oneof, which is not
 * NULL. An encoder sees a zeroed copy of sizeof(struct sockaddr_storage) bytes, of which
 * the caller gave @len, at least its row's least; and what it makes hangs on @out
 * at once, so that addr.c can free it after a failure.
 */
#ifndef SB_WIRE_ADDR_FAMILY_H
#define SB_WIRE_ADDR_FAMILY_H

#include "wire/addr.h"

typedef int addr_decoder(const Sockbroker__V1__Address *in, struct sock_addr *out);
typedef int addr_encoder(const void *sa, size_t len, ProtobufCAllocator *a,
			 Sockbroker__V1__Address *out);

/* addr_link.c: what has an interface */
addr_decoder packet_decode, can_decode;
addr_encoder packet_encode, can_encode;
/* addr_plain.c: numbers, and names of no file */
addr_decoder netlink_decode, vsock_decode, qipcrtr_decode, alg_decode;
addr_encoder netlink_encode, vsock_encode, qipcrtr_encode, alg_encode;
/* addr_tipc.c */
addr_decoder tipc_decode;
addr_encoder tipc_encode;
/* addr_bluetooth.c */
addr_decoder l2cap_decode, rfcomm_decode, hci_decode, sco_decode;
addr_encoder l2cap_encode, rfcomm_encode, hci_encode, sco_encode;

#endif
