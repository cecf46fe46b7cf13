/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope.h - how requests and replies lie in the messages of the session
 * stream, framed by hand so that nothing is packed or copied twice.
 *
 * No state but a table made once; safe from any thread.
 */
#ifndef SB_ENVELOPE_H
#define SB_ENVELOPE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An operation, found by the type of its request. */
struct rpc_method {
	const ProtobufCMessageDescriptor *input;
	const ProtobufCMessageDescriptor *output;
	/* Which field of Request and of Reply carries it; 0: not in a session. */
	uint32_t field;
	/* "/sockbroker.v1.Broker/Bind"; empty: no RPC of its own. */
	char path[64];
};

/* Returns NULL for what is no request. */
const struct rpc_method *rpc_method_of(const ProtobufCMessage *request);

/* Bytes of one request within a RequestBatch. */
struct envelope {
	uint64_t id;
	const struct rpc_method *method;
	const ProtobufCMessage *request;
	bool linked;        /* depends on the one before */
	size_t request_bytes;
	size_t inner_bytes; /* of the Request */
	size_t bytes;       /* in all */
};

void envelope_measure(struct envelope *, uint64_t id, const struct rpc_method *,
		      const ProtobufCMessage *request, bool linked);
/* Writes exactly envelope.bytes bytes. */
void envelope_pack(const struct envelope *, uint8_t *out);

/* A Reply within a ReplyBatch: the reply of the operation as it is on the wire. */
struct reply_view {
	uint64_t id;
	uint32_t field;
	const uint8_t *body;
	size_t body_bytes;
};

/* Takes the next Reply off *@data; false: at the end, or *@ret_malformed. */
bool reply_next(const uint8_t **data, const uint8_t *end, struct reply_view *ret,
		bool *ret_malformed);

/* A protobuf field, for walks through a message. */
struct wire_field {
	uint32_t number;
	uint64_t value;       /* a varint's; of bytes, their length */
	const uint8_t *bytes; /* NULL unless the field is of bytes */
};

bool wire_field_next(const uint8_t **data, const uint8_t *end, struct wire_field *ret,
		     bool *ret_malformed);
uint8_t *wire_put_varint(uint8_t *out, uint64_t value);
bool wire_get_varint(const uint8_t **data, const uint8_t *end, uint64_t *ret);
enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
enum { WIRE_VARINT_BYTES = 10 };

#endif
