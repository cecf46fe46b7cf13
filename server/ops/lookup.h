/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup.h - what the operations on names share: names in, names out, and room
 * for what the reentrant functions of netdb.h find.
 *
 * Those with an errand run on a resolver, without a lock; all memory is the errand's.
 */
#ifndef SB_OPS_LOOKUP_H
#define SB_OPS_LOOKUP_H

#include "call/errand.h"

struct call;
struct sock_addr;

enum { NAME_BYTES_MAX = 1024 };

/* The messages of an errand, by their types. */
#define ERRAND_REQUEST(e, Type) ((const Sockbroker__V1__##Type##Request *)(const void *)(e)->request)
#define ERRAND_REPLY(e, Type) ((Sockbroker__V1__##Type##Reply *)(void *)(e)->reply)

/* Of a request: 0, or -EINVAL for one that is too long or has a NUL. */
int name_check(const ProtobufCBinaryData *);
/* As C has it, or NULL: memory is out. */
char *name_text(struct arena *, const ProtobufCBinaryData *);

/* The other way. Return 0 or -ENOMEM. */
int put_bytes(struct arena *, const void *data, size_t n, ProtobufCBinaryData *ret);
int put_text(struct arena *, const char *text, ProtobufCBinaryData *ret);
/* A list that ends with NULL; @bytes of each, 0: up to its NUL. */
int put_list(struct arena *, char *const *list, size_t bytes, size_t *ret_n,
	     ProtobufCBinaryData **ret);

/* Calls @ask with more and more room while it returns -ERANGE. */
int ask_with_room(struct errand *, int (*ask)(struct errand *, char *room, size_t size));

/* What a call asks that has a name looked up (which lives as long as the call), or the name of
 * an address. */
int resolve_intent(struct call *, const char *name);
int reverse_intent(struct call *, const struct sock_addr *);

#endif
