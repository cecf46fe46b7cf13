/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session that connects asks here once a call, one that sends once a datagram, so the
 * places are sorted; to add one moves the others, which beside a look-up costs
 * nothing. Addresses of one look-up share its name.
 */
#include "policy/grants.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/host.h"

struct shared_name {
	unsigned refs;
	char text[];
};

struct grant {
	struct place place;
	uint64_t at_ns;
	struct shared_name *name;
};

static struct shared_name *name_new(const char *text)
{
	size_t size = strlen(text) + 1;
	struct shared_name *name = malloc(sizeof(*name) + size);

	if (!name)
		return NULL;
	name->refs = 1;
	memcpy(name->text, text, size);
	return name;
}

static void name_unref(struct shared_name *name)
{
	if (--name->refs == 0)
		free(name);
}

static int place_compare(const struct place *a, const struct place *b)
{
	return a->v4 != b->v4 ? a->v4 - b->v4 : memcmp(a->bytes, b->bytes, a->v4 ? 4 : 16);
}

/* The first that is not before @place. */
static size_t find(const struct grants *g, const struct place *place)
{
	size_t low = 0, high = g->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (place_compare(&g->at[middle].place, place) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void forget(struct grants *g, size_t i)
{
	name_unref(g->at[i].name);
	g->n--;
	memmove(&g->at[i], &g->at[i + 1], (g->n - i) * sizeof(*g->at));
}

static void forget_oldest(struct grants *g)
{
	size_t oldest = 0;

	for (size_t i = 1; i < g->n; i++)
		if (g->at[i].at_ns < g->at[oldest].at_ns)
			oldest = i;
	forget(g, oldest);
}

static int make_room(struct grants *g)
{
	size_t capacity = g->capacity ? g->capacity * 2 : 8;
	struct grant *at;

	if (g->n < g->capacity)
		return 0;
	if (g->n == GRANTS_MAX) {
		forget_oldest(g);
		return 0;
	}
	at = realloc(g->at, capacity * sizeof(*at));
	if (!at)
		return -ENOMEM;
	g->at = at;
	g->capacity = capacity;
	return 0;
}

static int add_place(struct grants *g, struct shared_name *name, const struct place *place,
		     uint64_t now_ns)
{
	size_t i;

	for (i = find(g, place); i < g->n && place_equal(&g->at[i].place, place); i++) {
		if (strcmp(g->at[i].name->text, name->text) == 0) {
			g->at[i].at_ns = now_ns;
			return 0;
		}
	}
	if (make_room(g) < 0)
		return -ENOMEM;
	i = find(g, place);
	memmove(&g->at[i + 1], &g->at[i], (g->n - i) * sizeof(*g->at));
	g->at[i] = (struct grant){ *place, now_ns, name };
	name->refs++;
	g->n++;
	return 0;
}

int grants_add(struct grants *g, const char *host, const struct sock_addr *addrs, size_t n,
	       uint64_t now_ns)
{
	char normal[HOST_BYTES];
	struct shared_name *name;
	struct places to;
	int r = 0;

	if (!host_normalize(host, normal))
		return 0;
	name = name_new(normal);
	if (!name)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (!places_to(&addrs[i], &to))
			continue;
		for (size_t p = 0; p < to.n && r == 0; p++)
			r = add_place(g, name, &to.at[p], now_ns);
	}
	name_unref(name);
	return r;
}

bool grants_hold(const struct grants *g, const struct place *place, uint64_t since_ns,
		 bool (*matches)(const void *of, const char *host), const void *of)
{
	for (size_t i = find(g, place); i < g->n && place_equal(&g->at[i].place, place); i++)
		if (g->at[i].at_ns >= since_ns && matches(of, g->at[i].name->text))
			return true;
	return false;
}

void grants_free(struct grants *g)
{
	for (size_t i = 0; i < g->n; i++)
		name_unref(g->at[i].name);
	free(g->at);
	*g = (struct grants){ 0 };
}
