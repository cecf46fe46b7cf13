/* SPDX-License-Identifier: Apache-2.0 */
#include "holders.h"

#include <string.h>

#include "python.h"

static unsigned *counts; /* by number */
static size_t n_counts;

static int grow(size_t wanted)
{
	size_t n = n_counts ? n_counts : 64;
	unsigned *larger;

	while (n < wanted)
		n *= 2;
	larger = PyMem_Realloc(counts, n * sizeof(*counts));
	if (!larger) {
		PyErr_NoMemory();
		return -1;
	}
	memset(larger + n_counts, 0, (n - n_counts) * sizeof(*counts));
	counts = larger;
	n_counts = n;
	return 0;
}

int holders_add(int fd)
{
	if ((size_t)fd >= n_counts && grow((size_t)fd + 1) < 0)
		return -1;
	counts[fd]++;
	return 0;
}

unsigned holders_remove(int fd)
{
	if (fd < 0 || (size_t)fd >= n_counts || !counts[fd])
		return 0;
	return --counts[fd];
}
