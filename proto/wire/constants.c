/* SPDX-License-Identifier: Apache-2.0 */
/* constants.c - the parts put together, and sorted, by the first who asks. */
#include "wire/constants.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "wire/constants_rows.h"

enum { CONSTANTS_MAX = 4096 };

static struct constant all[CONSTANTS_MAX];
static size_t n_all;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct {
	const struct constant *rows;
	const size_t *n;
} parts[] = {
	{ constants_socket, &n_constants_socket },
	{ constants_device, &n_constants_device },
	{ constants_inet, &n_constants_inet },
	{ constants_transport, &n_constants_transport },
	{ constants_names, &n_constants_names },
	{ constants_link, &n_constants_link },
	{ constants_families, &n_constants_families },
};

static int compare(const void *a, const void *b)
{
	const struct constant *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void make(void)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		assert(n_all + *parts[i].n <= CONSTANTS_MAX);
		memcpy(all + n_all, parts[i].rows, *parts[i].n * sizeof(all[0]));
		n_all += *parts[i].n;
	}
	qsort(all, n_all, sizeof(all[0]), compare);
}

const struct constant *constants_all(size_t *ret_n)
{
	pthread_once(&once, make);
	*ret_n = n_all;
	return all;
}

const struct constant *constant_find(const char *name)
{
	const struct constant key = { .name = name };
	size_t n;

	(void)constants_all(&n);
	return bsearch(&key, all, n, sizeof(all[0]), compare);
}

const char *constant_name(const char *prefix, long long value)
{
	const size_t length = strlen(prefix);

	for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++) {
		for (size_t i = 0; i < *parts[part].n; i++) {
			const struct constant *c = &parts[part].rows[i];

			if (c->value == value && strncmp(c->name, prefix, length) == 0)
				return c->name;
		}
	}
	return NULL;
}
