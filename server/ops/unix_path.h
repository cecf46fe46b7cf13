/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unix_path.h - unix sockets in the file system, reached with the broker's
 * authority for somebody else: only by the path that the policy allowed, never
 * through a symbolic link that leads it elsewhere.
 *
 * A file system may block (NFS, FUSE): workers only.
 */
#ifndef SB_OPS_UNIX_PATH_H
#define SB_OPS_UNIX_PATH_H

#include <stdbool.h>
#include <sys/socket.h>

#include "wire/addr.h"

/* A unix address with a path, not an abstract or an empty name? */
bool is_unix_path(const struct sock_addr *);

/* Opens the socket's file without following links, and makes @ret a name of
 * exactly that file, good while the returned descriptor is open. Returns it, or
 * -errno as connect(2) would. */
int unix_path_pin(const struct sock_addr *, struct sock_addr *ret);

/* bind(2), the new file having @mode. */
int unix_path_bind(int fd, const struct sock_addr *, unsigned mode);

#endif
