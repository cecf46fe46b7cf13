/* SPDX-License-Identifier: Apache-2.0 */
/* api_names.h - names, to and from the protocol's bytes. */
#ifndef SB_API_NAMES_H
#define SB_API_NAMES_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

/* Lends @name to a request. False: it is longer than any name that there is. */
bool name_put(const char *name, ProtobufCBinaryData *ret);
/* Into @out, terminated. Returns 0, or -ENAMETOOLONG: it did not fit. */
int name_take(const ProtobufCBinaryData *name, char *out, size_t size);
/* Into @arena's memory, terminated. NULL: memory is out. */
char *name_copy(struct arena *, const ProtobufCBinaryData *name);
/* The same of many, ended by NULL. */
char **names_copy(struct arena *, const ProtobufCBinaryData *names, size_t n);

#endif
