/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - what the api_*.c files, which are the public functions, share. */
#ifndef SB_API_H
#define SB_API_H

#include <sys/socket.h>

#include "error.h"
#include "sockbroker/v1/broker.pb-c.h"
#include "table.h"

/* What public function @call returns for @result (a negative one is -errno) of an
 * operation on @s, whose reference is given back. */
ssize_t api_done(const char *call, struct sb_sock *s, ssize_t result);
/* The same where no socket is concerned. */
ssize_t api_local(const char *call, ssize_t result);

/* The broker that a call without a socket is for: @given, or if it is NULL the default
 * one. Returns 0 and a reference; or what public function @call does. */
int api_broker(const char *call, struct sb_broker *given, struct sb_broker **ret);
/* An operation on @s, whose handle goes to the request's field @handle. As rpc_call(). */
int api_call(struct sb_sock *s, const ProtobufCMessage *request, uint32_t *handle,
	     struct reply *out);
/* An operation without a socket, at @given (NULL: the default broker), for the public
 * function @call, whose error is noted. Returns 0 or -errno; @out as rpc_call() has it. */
int api_ask(const char *call, struct sb_broker *given, const ProtobufCMessage *request,
	    struct reply *out);

/* A message for a sockaddr that the program gave, in @arena's memory. Returns 0,
 * -EFAULT, -EINVAL, -EAFNOSUPPORT, -ENOMEM. */
int api_address_take(const struct sockaddr *addr, socklen_t addrlen, struct arena *arena,
		     Sockbroker__V1__Address **ret);
/* Into the program's sockaddr, cut to *@addrlen, which becomes the true length,
 * as the kernel does it. An absent @address has the length 0. @addr may be NULL. */
int api_address_give(const Sockbroker__V1__Address *address, struct sockaddr *addr,
		     socklen_t *addrlen);
/* Before the call: may an address be written there? Returns 0, -EFAULT, -EINVAL. */
int api_address_room(const struct sockaddr *addr, const socklen_t *addrlen);

#endif
