/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.h - the broker's own socket: accepts a connection, asks the kernel who
 * it is, counts it, and hands it to the front, before gRPC has seen a byte.
 *
 * Thread: the main one.
 */
#ifndef SB_IDENTITY_LISTENER_H
#define SB_IDENTITY_LISTENER_H

#include <stddef.h>
#include <sys/types.h>

#include "policy/policy.h"

struct front;

struct listener {
	int fd;
	int spare_fd;      /* given up to turn somebody away when there are no others */
	const char *path;  /* borrowed; removed at the end, if it is still ours */
	dev_t dev;
	ino_t ino;
};

/* @address: "unix:/absolute/path". A socket that a dead broker left is
 * replaced; a living one's is not. Returns 0 or, in @error, a sentence. */
int listener_open(struct listener *, const char *address, unsigned mode, char *error,
		  size_t error_size) __attribute__((warn_unused_result));
void listener_close(struct listener *);

/* Something is at the door: accept what there is. */
void listener_accept(struct listener *, struct front *, const struct policy *);

#endif
