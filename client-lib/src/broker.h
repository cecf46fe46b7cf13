/* SPDX-License-Identifier: Apache-2.0 */
/* broker.h - which broker: addresses, and the default one. */
#ifndef SB_BROKER_H
#define SB_BROKER_H

#include "rpc.h"

/* Connects to @address (NULL: the environment's, or the built-in one). On failure
 * the address is noted for sb_error_message(). */
int broker_connect(const char *address, int transport, struct sb_broker **ret);

/* @given or, if it is NULL, the default broker, connected if need be; and again
 * if it has gone, for new sockets. The caller gets a reference. */
int broker_get(struct sb_broker *given, struct sb_broker **ret);

#endif
