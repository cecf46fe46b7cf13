/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - from -errno to errno, and to a sentence. The thread's own state.
 */
#ifndef SB_ERROR_H
#define SB_ERROR_H

#include <stdbool.h>
#include <sys/types.h>

/* Where an error came from: the same number means different things. */
enum error_origin {
	ERROR_LOCAL,      /* this process: its arguments, its descriptors */
	ERROR_CONNECTING, /* the broker cannot be reached */
	ERROR_BROKER,     /* the broker, or the kernel by it, refused */
	ERROR_GONE,       /* the broker went away */
	ERROR_LEFT,       /* so it did, but the socket is real and stays */
	ERROR_LOOKUP,     /* a host's name led to no address */
	ERROR_DIRECT,     /* the broker does not give a real descriptor away */
	ERROR_DESCRIPTORS, /* it could not be fetched */
	ERROR_GIVEN,      /* the broker does not take one */
};

/* What @call, "sb_bind", returns for @result: a negative one is -errno, from
 * @origin, and makes -1. */
ssize_t error_return(const char *call, enum error_origin origin, ssize_t result);

/* For ERROR_CONNECTING: which broker. */
void error_address(const char *address);

#endif
