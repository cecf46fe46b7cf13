/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   RequestBatch ┬ 1: Request ┬ 1: id   2: linked
 *                │            └ N: BindRequest …     N says which operation
 *                └ 1: Request …
 *
 * A batch is a sequence of its elements, nothing around them: messages that
 * were framed one by one are joined by standing next to each other.
 */
#include "envelope.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "sockbroker/v1/admin.pb-c.h"
#include "sockbroker/v1/broker.pb-c.h"

enum { BATCH_ELEMENT = 1, ENVELOPE_ID = 1, ENVELOPE_LINKED = 2 };

static struct rpc_method methods[64];
static size_t n_methods;
static pthread_once_t methods_once = PTHREAD_ONCE_INIT;

static struct rpc_method *method_add(const ProtobufCMessageDescriptor *input,
				     const ProtobufCMessageDescriptor *output)
{
	for (size_t i = 0; i < n_methods; i++)
		if (methods[i].input == input)
			return &methods[i];
	if (n_methods == sizeof(methods) / sizeof(methods[0]))
		return NULL;

	methods[n_methods].input = input;
	methods[n_methods].output = output;
	return &methods[n_methods++];
}

/* The same operation has the same number in Request and in Reply. */
static void methods_of_session(void)
{
	const ProtobufCMessageDescriptor *request = &sockbroker__v1__request__descriptor;

	for (unsigned i = 0; i < request->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &request->fields[i];
		const ProtobufCFieldDescriptor *reply = protobuf_c_message_descriptor_get_field(
			&sockbroker__v1__reply__descriptor, field->id);
		struct rpc_method *m;

		if (field->type != PROTOBUF_C_TYPE_MESSAGE || !reply)
			continue;
		m = method_add(field->descriptor, reply->descriptor);
		if (m)
			m->field = field->id;
	}
}

static void methods_of_service(const ProtobufCServiceDescriptor *service)
{
	for (unsigned i = 0; i < service->n_methods; i++) {
		const ProtobufCMethodDescriptor *d = &service->methods[i];
		struct rpc_method *m = method_add(d->input, d->output);

		if (m)
			snprintf(m->path, sizeof(m->path), "/%s/%s", service->name, d->name);
	}
}

static void methods_make(void)
{
	methods_of_session();
	methods_of_service(&sockbroker__v1__broker__descriptor);
	methods_of_service(&sockbroker__v1__admin__descriptor);
}

const struct rpc_method *rpc_method_of(const ProtobufCMessage *request)
{
	pthread_once(&methods_once, methods_make);
	for (size_t i = 0; i < n_methods; i++)
		if (methods[i].input == request->descriptor)
			return &methods[i];
	return NULL;
}

static size_t varint_bytes(uint64_t value)
{
	size_t n = 1;

	while (value >>= 7)
		n++;
	return n;
}

uint8_t *wire_put_varint(uint8_t *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*out++ = (uint8_t)(value | 0x80);
	*out++ = (uint8_t)value;
	return out;
}

static uint64_t key_of(uint32_t field, unsigned type)
{
	return (uint64_t)field << 3 | type;
}

void envelope_measure(struct envelope *e, uint64_t id, const struct rpc_method *method,
		      const ProtobufCMessage *request, bool linked)
{
	e->id = id;
	e->linked = linked;
	e->method = method;
	e->request = request;
	e->request_bytes = protobuf_c_message_get_packed_size(request);
	e->inner_bytes = 1 + varint_bytes(id) + (linked ? 2 : 0) + varint_bytes(key_of(method->field, WIRE_BYTES)) +
			 varint_bytes(e->request_bytes) + e->request_bytes;
	e->bytes = 1 + varint_bytes(e->inner_bytes) + e->inner_bytes;
}

void envelope_pack(const struct envelope *e, uint8_t *out)
{
	out = wire_put_varint(out, key_of(BATCH_ELEMENT, WIRE_BYTES));
	out = wire_put_varint(out, e->inner_bytes);
	out = wire_put_varint(out, key_of(ENVELOPE_ID, WIRE_VARINT));
	out = wire_put_varint(out, e->id);
	if (e->linked) {
		out = wire_put_varint(out, key_of(ENVELOPE_LINKED, WIRE_VARINT));
		out = wire_put_varint(out, 1);
	}
	out = wire_put_varint(out, key_of(e->method->field, WIRE_BYTES));
	out = wire_put_varint(out, e->request_bytes);
	protobuf_c_message_pack(e->request, out);
}

bool wire_get_varint(const uint8_t **data, const uint8_t *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && *data < end; shift += 7) {
		const uint8_t byte = *(*data)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static bool field_get(const uint8_t **data, const uint8_t *end, struct wire_field *ret)
{
	uint64_t key;

	if (!wire_get_varint(data, end, &key) || key >> 3 == 0 || key >> 3 > UINT32_MAX)
		return false;
	ret->number = (uint32_t)(key >> 3);
	ret->bytes = NULL;
	ret->value = 0;

	switch (key & 7) {
	case WIRE_VARINT:
		return wire_get_varint(data, end, &ret->value);
	case WIRE_BYTES:
		if (!wire_get_varint(data, end, &ret->value))
			return false;
		ret->bytes = *data;
		break;
	case WIRE_FIXED64:
		ret->value = 8;
		break;
	case WIRE_FIXED32:
		ret->value = 4;
		break;
	default:
		return false;
	}
	if (ret->value > (size_t)(end - *data))
		return false;
	*data += ret->value;
	return true;
}

bool wire_field_next(const uint8_t **data, const uint8_t *end, struct wire_field *ret,
		     bool *ret_malformed)
{
	if (*data == end)
		return false;
	if (field_get(data, end, ret))
		return true;
	*ret_malformed = true;
	return false;
}

static bool reply_walk(const uint8_t *data, const uint8_t *end, struct reply_view *ret,
		       bool *ret_malformed)
{
	struct wire_field f;

	*ret = (struct reply_view){ 0 };
	while (wire_field_next(&data, end, &f, ret_malformed)) {
		if (f.number == ENVELOPE_ID && !f.bytes)
			ret->id = f.value;
		if (f.number == ENVELOPE_ID || !f.bytes)
			continue;
		ret->field = f.number;
		ret->body = f.bytes;
		ret->body_bytes = (size_t)f.value;
	}
	return !*ret_malformed;
}

bool reply_next(const uint8_t **data, const uint8_t *end, struct reply_view *ret,
		bool *ret_malformed)
{
	struct wire_field f;

	while (wire_field_next(data, end, &f, ret_malformed))
		if (f.number == BATCH_ELEMENT && f.bytes)
			return reply_walk(f.bytes, f.bytes + f.value, ret, ret_malformed);
	return false;
}
