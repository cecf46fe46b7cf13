/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "ops/ops.h"

enum { ROOM_FIRST = 8192, ROOM_LAST = 1 << 20 };

int name_check(const ProtobufCBinaryData *name)
{
	if (name->len > NAME_BYTES_MAX)
		return -EINVAL;
	return name->len && memchr(name->data, 0, name->len) ? -EINVAL : 0;
}

char *name_text(struct arena *arena, const ProtobufCBinaryData *name)
{
	char *text = arena_alloc(arena, name->len + 1);

	if (!text)
		return NULL;
	if (name->len)
		memcpy(text, name->data, name->len);
	text[name->len] = 0;
	return text;
}

int put_bytes(struct arena *arena, const void *data, size_t n, ProtobufCBinaryData *ret)
{
	uint8_t *copy = arena_alloc(arena, n);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, n);
	*ret = (ProtobufCBinaryData){ .len = n, .data = copy };
	return 0;
}

int put_text(struct arena *arena, const char *text, ProtobufCBinaryData *ret)
{
	return put_bytes(arena, text, strlen(text), ret);
}

int put_list(struct arena *arena, char *const *list, size_t bytes, size_t *ret_n,
	     ProtobufCBinaryData **ret)
{
	ProtobufCBinaryData *out;
	size_t n = 0;

	while (list[n])
		n++;
	out = arena_alloc(arena, n * sizeof(*out));
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (put_bytes(arena, list[i], bytes ? bytes : strlen(list[i]), &out[i]) < 0)
			return -ENOMEM;
	*ret_n = n;
	*ret = out;
	return 0;
}

int ask_with_room(struct errand *e, int (*ask)(struct errand *, char *room, size_t size))
{
	int r = -ERANGE;

	for (size_t size = ROOM_FIRST; r == -ERANGE && size <= ROOM_LAST; size *= 2) {
		char *room = malloc(size);

		r = room ? ask(e, room, size) : -ENOMEM;
		free(room);
	}
	return r;
}

int resolve_intent(struct call *c, const char *name)
{
	c->intent.action = ACTION_RESOLVE;
	c->intent.host = name;
	return 0;
}

int reverse_intent(struct call *c, const struct sock_addr *addr)
{
	c->intent.action = ACTION_RESOLVE;
	c->intent.addr = *addr;
	return 0;
}
