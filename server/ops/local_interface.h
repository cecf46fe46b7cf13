/* SPDX-License-Identifier: Apache-2.0 */
/* local_interface.h - on which interface an address of this host's is. Any thread;
 * asks the kernel, and waits for no lock of its. */
#ifndef SB_OPS_LOCAL_INTERFACE_H
#define SB_OPS_LOCAL_INTERFACE_H

#include <sys/socket.h>

/* For AF_INET and AF_INET6. Returns the interface's index, -EADDRNOTAVAIL (it is no
 * address of this host's, or a broadcast or multicast one), or -errno. */
int local_interface(const struct sockaddr *);

#endif
