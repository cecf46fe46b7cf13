/* SPDX-License-Identifier: Apache-2.0 */
/* api_constant.c - constants by name: proto/wire has the table. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "sockbroker.h"
#include "wire/constants.h"

/* The public struct is the table's own. */
static_assert(sizeof(struct sb_constant_entry) == sizeof(struct constant) &&
	      offsetof(struct sb_constant_entry, name) == offsetof(struct constant, name) &&
	      offsetof(struct sb_constant_entry, value) == offsetof(struct constant, value),
	      "struct sb_constant_entry is not struct constant");

long long sb_constant(const char *name)
{
	const struct constant *c = name ? constant_find(name) : NULL;

	errno = c ? 0 : EINVAL;
	return c ? c->value : -1;
}

const char *sb_constant_name(const char *prefix, long long value)
{
	return prefix ? constant_name(prefix, value) : NULL;
}

const struct sb_constant_entry *sb_constants(size_t *ret_n)
{
	return (const struct sb_constant_entry *)(const void *)constants_all(ret_n);
}
