/* SPDX-License-Identifier: Apache-2.0 */
/* admin.c - the Admin service: one question, one answer, and no session. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "front/codec.h"
#include "front/front.h"
#include "inspect/inspect.h"

struct asking {
	struct rpc rpc;
	const struct question *question;
	struct tag received;
	grpc_byte_buffer *message, *reply;
};

static int ask_sockets(const struct inspection *in, ProtobufCMessage *reply)
{
	return inspect_sockets(in, (Sockbroker__V1__ListSocketsReply *)(void *)reply);
}

static int ask_sessions(const struct inspection *in, ProtobufCMessage *reply)
{
	return inspect_sessions(in, (Sockbroker__V1__ListSessionsReply *)(void *)reply);
}

static int ask_status(const struct inspection *in, ProtobufCMessage *reply)
{
	return inspect_status(in, (Sockbroker__V1__GetStatusReply *)(void *)reply);
}

static const struct question {
	const char *method;
	const ProtobufCMessageDescriptor *reply;
	int (*answer)(const struct inspection *, ProtobufCMessage *reply);
} questions[] = {
	{ "ListSockets", &sockbroker__v1__list_sockets_reply__descriptor, ask_sockets },
	{ "ListSessions", &sockbroker__v1__list_sessions_reply__descriptor, ask_sessions },
	{ "GetStatus", &sockbroker__v1__get_status_reply__descriptor, ask_status },
};
enum { N_QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

/* Packed before the arena that it was made in goes. */
static int admin_ask(struct asking *a)
{
	struct front *front = a->rpc.conn->home->front;
	struct arena arena;
	struct inspection in = { .connections = front_connections(front),
				 .peer = a->rpc.conn->peer, .arena = &arena };
	ProtobufCMessage *reply;
	int r = -ENOMEM;

	in.shards = front_shards(front, &in.n_shards);
	arena_init(&arena);
	reply = arena_alloc(&arena, a->question->reply->sizeof_message);
	if (reply) {
		protobuf_c_message_init(a->question->reply, reply);
		r = a->question->answer(&in, reply);
	}
	if (r == 0)
		a->reply = message_pack(reply);
	arena_reset(&arena);
	return r;
}

static void admin_received(struct tag *t, bool ok)
{
	struct asking *a = container_of(t, struct asking, received);
	struct rpc r = a->rpc;
	bool came = ok && a->message;

	if (a->message)
		grpc_byte_buffer_destroy(a->message); /* the questions have no fields */
	if (came && admin_ask(a) == 0)
		rpc_answer(&r, a->reply);
	else
		rpc_fail(&r, came ? GRPC_STATUS_RESOURCE_EXHAUSTED : GRPC_STATUS_INVALID_ARGUMENT,
			 came ? "memory is out" : "no message came");
	free(a);
}

static const struct question *question_find(const char *method, size_t length)
{
	for (size_t i = 0; i < N_QUESTIONS; i++)
		if (strlen(questions[i].method) == length &&
		    memcmp(questions[i].method, method, length) == 0)
			return &questions[i];
	return NULL;
}

void admin_begin(struct rpc *r, const char *method, size_t length)
{
	const struct question *q = question_find(method, length);
	struct asking *a = q ? calloc(1, sizeof(*a)) : NULL;
	grpc_op receive = { .op = GRPC_OP_RECV_MESSAGE };

	if (!a) {
		rpc_fail(r, q ? GRPC_STATUS_RESOURCE_EXHAUSTED : GRPC_STATUS_UNIMPLEMENTED,
			 q ? "memory is out" : "no such method in sockbroker.v1.Admin");
		return;
	}
	a->rpc = *r;
	a->question = q;
	a->received.fn = admin_received;
	receive.data.recv_message.recv_message = &a->message;
	start_batch(r->call, &receive, 1, &a->received);
}
