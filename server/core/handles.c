/* SPDX-License-Identifier: Apache-2.0 */
#include "core/handles.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t hash_seed = 0x9e3779b97f4a7c15ULL;

void handles_seed(uint64_t seed)
{
	hash_seed = seed | 1;
}

static size_t home(const struct handles *h, uint32_t number)
{
	return (size_t)((number * hash_seed) >> 20) & (h->capacity - 1);
}

void handles_free(struct handles *h)
{
	free(h->slots);
	*h = (struct handles){ 0 };
}

/* The slot of @number, or the empty one where it would go. */
static struct handle_slot *probe(const struct handles *h, uint32_t number)
{
	size_t i = home(h, number);

	while (h->slots[i].number && h->slots[i].number != number)
		i = (i + 1) & (h->capacity - 1);
	return &h->slots[i];
}

static int grow(struct handles *h)
{
	struct handles larger = { .capacity = h->capacity ? h->capacity * 2 : 8 };

	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;

	for (size_t i = 0; i < h->capacity; i++)
		if (h->slots[i].number)
			*probe(&larger, h->slots[i].number) = h->slots[i];
	larger.count = h->count;
	free(h->slots);
	*h = larger;
	return 0;
}

void *handles_find(const struct handles *h, uint32_t number)
{
	if (!h->count || !number)
		return NULL;
	return probe(h, number)->value;
}

int handles_insert(struct handles *h, uint32_t number, void *value)
{
	struct handle_slot *slot;
	int r;

	if (h->count + 1 > h->capacity / 4 * 3) {
		r = grow(h);
		if (r < 0)
			return r;
	}

	slot = probe(h, number);
	if (slot->number)
		return -EEXIST;
	*slot = (struct handle_slot){ .number = number, .value = value };
	h->count++;
	return 0;
}

/* Close the gap: an entry behind it moves up unless that would put it before
 * its home. */
static void close_gap(struct handles *h, size_t gap)
{
	size_t mask = h->capacity - 1;

	for (size_t i = (gap + 1) & mask; h->slots[i].number; i = (i + 1) & mask) {
		size_t distance = (i - home(h, h->slots[i].number)) & mask;

		if (distance < ((i - gap) & mask))
			continue;
		h->slots[gap] = h->slots[i];
		gap = i;
	}
	h->slots[gap] = (struct handle_slot){ 0 };
}

void *handles_remove(struct handles *h, uint32_t number)
{
	struct handle_slot *slot;
	void *value;

	if (!h->count || !number)
		return NULL;
	slot = probe(h, number);
	value = slot->value;
	if (!value)
		return NULL;

	close_gap(h, (size_t)(slot - h->slots));
	h->count--;
	return value;
}
