/* SPDX-License-Identifier: Apache-2.0 */
/* api_life.h - new sockets, as other files of the library make them. */
#ifndef SB_API_LIFE_H
#define SB_API_LIFE_H

#include "table.h"

/* Gives a handle its stand-in; on failure both are gone. Returns the
 * descriptor or -errno. */
int api_adopt(struct standin *, const struct sock_birth *);

/* The socket of a token of sb_share(), or of a ticket of descriptor_give(). Returns what public
 * function @call does. */
int api_ticket_adopt(const char *call, struct sb_broker *, const char *ticket, int flags);

/* dup(2), to a descriptor @at_least. Returns it or -errno. */
int api_dup(struct sb_sock *, int at_least);

#endif
