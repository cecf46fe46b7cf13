/* SPDX-License-Identifier: Apache-2.0 */
/* kind.h - what a descriptor is a socket of. Any thread. */
#ifndef SB_WIRE_KIND_H
#define SB_WIRE_KIND_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The protocol of the socket @fd, as socket(2) was asked for it (of AF_PACKET: in network byte
 * order, and as it was bound since), also for the families of which SO_PROTOCOL tells nothing.
 * -ENOTSOCK, -EBADF.
 */
int kind_protocol(int fd);

#ifdef __cplusplus
}
#endif

#endif
