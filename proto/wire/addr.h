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
 * without a kind becomes AF_UNSPEC. The length is the one that the kernel answers
 * with: of a Can address 8 bytes, 16 with `tp`, 24 with `j1939`; of a Packet
 * address its `length`. @out is untouched on error. */
int addr_decode(const Sockbroker__V1__Address *in, struct sock_addr *out);

/* Makes a message in @allocator's memory (NULL: malloc). A @len of 0 gives a
 * message without a kind. Returns 0, -EINVAL (@len too short or too long for the
 * family), -EAFNOSUPPORT, -ENAMETOOLONG, -ENOMEM. Where the family does not tell
 * the kind, the length does: of a sockaddr_can 8 bytes have no protocol, 16 are
 * `tp`, 24 are `j1939`; Bluetooth's four have each their own. */
int addr_encode(const struct sockaddr *sa, socklen_t len,
		ProtobufCAllocator *allocator, Sockbroker__V1__Address **ret);

/* Before a decoded address is judged and given to the kernel: makes it what a
 * socket of @family and @protocol will read. A sockaddr_can is cut to the
 * protocol's own part; a Bluetooth address of another protocol, which the kernel would
 * read as something else, is -EINVAL (-EAFNOSUPPORT: a protocol without
 * addresses here), and so is a TIPC group's pair. Returns 0; other addresses
 * are left to the kernel. */
int addr_fit(struct sock_addr *, int family, int protocol);

/* For people: "127.0.0.1:80", "[::1]:80", "unix:/run/x", "unix:@name",
 * "packet:eth0", "can:can0:pgn=0x1f000", "tipc:name:1000:1",
 * "l2cap:00:11:22:33:44:55:25", "alg:hash:sha256" … What is not printable ASCII is \xNN. Returns @text, always
 * terminated (unless @size is 0). */
const char *addr_print(const struct sockaddr *sa, socklen_t len, char *text, size_t size);
enum { ADDR_TEXT_BYTES = 160 };

#ifdef __cplusplus
}
#endif
#endif
