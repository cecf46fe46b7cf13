/* SPDX-License-Identifier: Apache-2.0 */
/*
 * given.h - what a client's descriptor is, and whether the broker may have it. Waits for
 * nobody: not for the file system that a file is on. Any thread.
 */
#ifndef SB_TICKETS_GIVEN_H
#define SB_TICKETS_GIVEN_H

#include "ops/offers.h"

/* Sets in @ret what is to be known of @fd, which stays the caller's. Returns 0, -ENOTSOCK,
 * -EOPNOTSUPP (AF_UNIX), -EXDEV (another network namespace). */
int given_look(int fd, struct offer *ret) __attribute__((warn_unused_result));

#endif
