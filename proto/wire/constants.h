/* SPDX-License-Identifier: Apache-2.0 */
/*
 * constants.h - the constants of socket programs, by name: "SO_REUSEADDR" is 2.
 *
 * One table, of what the headers had that this was built with and of what they
 * lacked, sorted by name (as strcmp(3) does). Any thread.
 */
#ifndef SB_WIRE_CONSTANTS_H
#define SB_WIRE_CONSTANTS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct constant {
	const char *name;
	long long value;
};

const struct constant *constants_all(size_t *ret_n);
/* NULL: there is none of that name. */
const struct constant *constant_find(const char *name);
/* The name with that beginning and value, or NULL; of several the usual one, which
 * is the one that stands first in the constants_*.c: plain names, aliases last. */
const char *constant_name(const char *prefix, long long value);

#ifdef __cplusplus
}
#endif
#endif
