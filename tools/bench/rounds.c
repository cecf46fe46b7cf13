/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdlib.h>

#include "machine.h"

enum { ROUNDS_MAX = 20000 };

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double middle_us(bool (*once)(void *), void *state, size_t n)
{
	double *times = calloc(n, sizeof(*times)), ret = -1;
	size_t done = 0;

	while (times && done < n) {
		const double start = now_us();

		if (!once(state))
			break;
		times[done++] = now_us() - start;
	}
	if (done == n)
		ret = median(times, n);
	free(times);
	return ret;
}

int rounds_run(const struct settings *s, side_fn baseline, side_fn value, void *state,
	       struct figures *ret)
{
	static double bases[ROUNDS_MAX], values[ROUNDS_MAX];
	const unsigned n = s->rounds < ROUNDS_MAX ? s->rounds : ROUNDS_MAX;

	for (unsigned i = 0; i < n; i++) {
		progress(NULL, i + 1, n);
		bases[i] = baseline(state);
		values[i] = bases[i] < 0 ? -1 : value(state);
		if (values[i] < 0)
			return -1;
	}
	ret->baseline = median(bases, n);
	ret->value = median(values, n);
	return 0;
}
