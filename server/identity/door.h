/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door.h - a UNIX socket that we listen on, at a path: the broker's own, and the ticket desk's
 * beside it.
 *
 * Thread: whichever accepts from it.
 */
#ifndef SB_IDENTITY_DOOR_H
#define SB_IDENTITY_DOOR_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

struct door {
	int fd;
	int spare_fd;      /* given up to turn somebody away when there are no others */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* removed at the end, if still ours */
	dev_t dev;
	ino_t ino;
};

/* @address: "unix:/absolute/path"; @type: SOCK_STREAM, SOCK_SEQPACKET. A socket that a dead
 * broker left is replaced; a living one's is not. Returns 0 or, in @error, a sentence. */
int door_open(struct door *, const char *address, int type, unsigned mode, char *error,
	      size_t error_size) __attribute__((warn_unused_result));
void door_close(struct door *);

/* Returns a descriptor (O_NONBLOCK, close-on-exec), -EAGAIN, or -errno; -EMFILE: descriptors are
 * out, and who was first has been turned away. */
int door_accept(struct door *);

#endif
