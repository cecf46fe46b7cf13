/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr.h - socket addresses: kernel form <-> wire form.
 *
 * The only module that looks inside a sockaddr or an Address. No state, no
 * logging, safe from any thread.
 */
#ifndef SB_WIRE_ADDR_H
#define SB_WIRE_ADDR_H

#include <sys/socket.h>

#include "sockbroker/v1/types.pb-c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A kernel address and its length, always passed together. */
struct sock_addr {
	struct sockaddr_storage ss;
	socklen_t len; /* 0 = no address */
};

/* Returns 0, or -EINVAL (malformed, or @in is NULL, which is how protobuf-c
 * shows a field that was not sent), -EAFNOSUPPORT (unknown kind),
 * -ENAMETOOLONG (unix path), -ENODEV (no such interface name). An Address
 * without a kind becomes AF_UNSPEC. A Can address becomes 16 bytes with `tp`, and
 * else 24. @out is untouched on error. */
int addr_decode(const Sockbroker__V1__Address *in, struct sock_addr *out);

/* Makes a message in @allocator's memory (NULL: malloc). A @len of 0 gives a
 * message without a kind. Returns 0, -EINVAL (@len too short for the family),
 * -EAFNOSUPPORT, -ENAMETOOLONG, -ENOMEM. Of a sockaddr_can the length tells the
 * protocol: 16 bytes are `tp`; 24, unless the rest is zeros, are `j1939`, whose
 * name then holds what a CAN_ISOTP program meant as rx_id and tx_id. */
int addr_encode(const struct sockaddr *sa, socklen_t len,
		ProtobufCAllocator *allocator, Sockbroker__V1__Address **ret);

/* For people: "127.0.0.1:80", "[::1]:80", "unix:/run/x", "unix:@name",
 * "packet:eth0" … What is not printable ASCII is \xNN. Returns @text, always
 * terminated (unless @size is 0). */
const char *addr_print(const struct sockaddr *sa, socklen_t len, char *text, size_t size);
enum { ADDR_TEXT_BYTES = 160 };

#ifdef __cplusplus
}
#endif
#endif
