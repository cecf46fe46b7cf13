/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/returned.h"

#include <stdlib.h>
#include <sys/socket.h>

uint64_t received_position(struct sock *s, size_t n)
{
	uint64_t position = s->position;

	s->position += s->type == SOCK_STREAM ? n : 1;
	return position;
}

/* Where what is left of it begins. */
static uint64_t place_of(const struct list *l)
{
	const struct returned *back = container_of(l, struct returned, link);

	return back->position + back->offset;
}

static void insert(struct sock *s, struct returned *back)
{
	struct list *l = s->returned.prev;

	while (l != &s->returned && place_of(l) > back->position)
		l = l->prev;
	list_append(l->next, &back->link); /* before the one that follows */
}

void returned_give(struct sock *s, const Sockbroker__V1__RecvReply *message, uint64_t position)
{
	size_t size = sockbroker__v1__recv_reply__get_packed_size(message);
	struct returned *back = malloc(sizeof(*back) + size);

	if (!back)
		return;
	*back = (struct returned){ .size = size, .position = position };
	sockbroker__v1__recv_reply__pack(message, back->data);
	insert(s, back);
}

static void use_up(struct returned *back, size_t n, bool some_left)
{
	back->offset += n;
	if (some_left)
		return;
	list_remove(&back->link);
	free(back);
}

Sockbroker__V1__RecvReply *returned_take(struct sock *s, size_t want, uint32_t flags,
					 ProtobufCAllocator *allocator, uint64_t *ret_position)
{
	struct returned *back = container_of(s->returned.next, struct returned, link);
	bool stream = s->type == SOCK_STREAM;
	Sockbroker__V1__RecvReply *message =
		sockbroker__v1__recv_reply__unpack(allocator, back->size, back->data);
	size_t whole, n;

	if (!message)
		return NULL;
	*ret_position = back->position + back->offset;
	if (back->offset)
		message->data.data += back->offset;
	whole = message->data.len - back->offset;
	n = whole < want ? whole : want;
	message->data.len = n;
	message->length = n;
	if (!stream && n < whole) {
		message->flags |= MSG_TRUNC;
		message->length = flags & MSG_TRUNC ? whole : n;
	}
	if (!(flags & MSG_PEEK))
		use_up(back, n, stream && n < whole);
	return message;
}

void returned_drop(struct sock *s)
{
	while (!list_empty(&s->returned)) {
		struct returned *back = container_of(s->returned.next, struct returned, link);

		list_remove(&back->link);
		sock_unref(back->accepted);
		free(back);
	}
}
