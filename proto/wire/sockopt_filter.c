/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options whose value is a list: a program of classic BPF, and the filters of
 * CAN_RAW and J1939.
 */
#include <errno.h>
#include <linux/can.h>
#include <linux/can/j1939.h>
#include <linux/filter.h>
#include <string.h>

#include "wire/build.h"
#include "wire/sockopt.h"
#include "wire/sockopt_value.h"

typedef Sockbroker__V1__OptionValue Value;

enum { CAN_FILTERS_MAX = 512 }; /* CAN_RAW_FILTER_MAX of the kernel */

static int program_encode(const struct sock_filter *program, size_t n, ProtobufCAllocator *a,
			  Value *out)
{
	Sockbroker__V1__OptionValue__Filter *m =
		build_message(a, &sockbroker__v1__option_value__filter__descriptor);

	if (!m)
		return -ENOMEM;
	out->filter = m;
	m->instructions = build_alloc(a, n * sizeof(*m->instructions));
	if (!m->instructions)
		return -ENOMEM;
	for (; m->n_instructions < n; m->n_instructions++) {
		const struct sock_filter *f = &program[m->n_instructions];
		Sockbroker__V1__OptionValue__Filter__Instruction *i = build_message(
			a, &sockbroker__v1__option_value__filter__instruction__descriptor);

		if (!i)
			return -ENOMEM;
		i->code = f->code;
		i->jt = f->jt;
		i->jf = f->jf;
		i->k = f->k;
		m->instructions[m->n_instructions] = i;
	}
	return 0;
}

static int program_decode(const Sockbroker__V1__OptionValue__Filter *m, uint8_t *out)
{
	for (size_t i = 0; i < m->n_instructions; i++) {
		const Sockbroker__V1__OptionValue__Filter__Instruction *f = m->instructions[i];
		struct sock_filter raw = { .k = f->k };

		if (f->code > UINT16_MAX || f->jt > UINT8_MAX || f->jf > UINT8_MAX)
			return -EINVAL;
		raw.code = (uint16_t)f->code;
		raw.jt = (uint8_t)f->jt;
		raw.jf = (uint8_t)f->jf;
		memcpy(out + i * sizeof(raw), &raw, sizeof(raw));
	}
	return 0;
}

int sockopt_filter_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			 ProtobufCAllocator *a, Value *out)
{
	struct sock_fprog program;

	(void)opt;
	if (length < sizeof(program))
		return -EINVAL;
	memcpy(&program, value, sizeof(program));
	if (!program.filter || program.len == 0 || program.len > BPF_MAXINSNS)
		return -EINVAL;
	return program_encode(program.filter, program.len, a, out);
}

/* The instructions go behind the sock_fprog, and behind the optlen asked for,
 * which the kernel refuses if it is another. */
int sockopt_filter_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	const Sockbroker__V1__OptionValue__Filter *m = in->filter;
	struct sock_fprog program;
	size_t offset = sizeof(program);

	(void)opt;
	if (m->n_instructions == 0 || m->n_instructions > BPF_MAXINSNS)
		return -EINVAL;
	if (out->length != SOCKOPT_NO_LENGTH && out->length > offset)
		offset = (out->length + 7U) & ~(size_t)7;
	if (out->size < offset ||
	    out->size - offset < m->n_instructions * sizeof(struct sock_filter) ||
	    program_decode(m, out->at + offset) < 0)
		return -EINVAL;
	memset(&program, 0, sizeof(program));
	program.len = (unsigned short)m->n_instructions;
	program.filter = (struct sock_filter *)(void *)(out->at + offset);
	return sockopt_put(out, &program, sizeof(program));
}

int sockopt_program_encode(const void *instructions, size_t n, ProtobufCAllocator *allocator,
			   Value **ret)
{
	Value *m = n > BPF_MAXINSNS ? NULL
		: build_message(allocator, &sockbroker__v1__option_value__descriptor);
	int r;

	if (!m)
		return n > BPF_MAXINSNS ? -EINVAL : -ENOMEM;
	m->kind_case = SOCKBROKER__V1__OPTION_VALUE__KIND_FILTER;
	r = program_encode(instructions, n, allocator, m);
	if (r < 0) {
		protobuf_c_message_free_unpacked(&m->base, allocator);
		return r;
	}
	*ret = m;
	return 0;
}

int sockopt_program_decode(const Value *in, void *instructions, size_t room, size_t *ret_n)
{
	int r;

	if (!in || in->kind_case != SOCKBROKER__V1__OPTION_VALUE__KIND_FILTER || !in->filter ||
	    in->filter->n_instructions > room)
		return -EINVAL;
	r = program_decode(in->filter, instructions);
	if (r == 0)
		*ret_n = in->filter->n_instructions;
	return r;
}

int sockopt_can_filters_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
			      ProtobufCAllocator *a, Value *out)
{
	Sockbroker__V1__OptionValue__CanFilters *m;
	size_t n = length / sizeof(struct can_filter);

	(void)opt;
	if (length % sizeof(struct can_filter) || n > CAN_FILTERS_MAX)
		return -EINVAL;
	m = build_message(a, &sockbroker__v1__option_value__can_filters__descriptor);
	if (!m)
		return -ENOMEM;
	out->can_filters = m;
	m->filters = build_alloc(a, n * sizeof(*m->filters));
	if (!m->filters)
		return -ENOMEM;
	for (; m->n_filters < n; m->n_filters++) {
		Sockbroker__V1__OptionValue__CanFilters__CanFilter *f = build_message(
			a, &sockbroker__v1__option_value__can_filters__can_filter__descriptor);
		struct can_filter raw;

		if (!f)
			return -ENOMEM;
		memcpy(&raw, value + m->n_filters * sizeof(raw), sizeof(raw));
		f->id = raw.can_id;
		f->mask = raw.can_mask;
		m->filters[m->n_filters] = f;
	}
	return 0;
}

/* Never filled up with zeros: a filter of zeros lets everything through. */
int sockopt_can_filters_decode(const struct sockopt *opt, const Value *in, struct sockopt_place *out)
{
	const Sockbroker__V1__OptionValue__CanFilters *m = in->can_filters;
	size_t bytes = m->n_filters * sizeof(struct can_filter);

	(void)opt;
	if (m->n_filters > CAN_FILTERS_MAX || bytes > out->size ||
	    (out->length != SOCKOPT_NO_LENGTH && out->length != bytes))
		return -EINVAL;
	for (size_t i = 0; i < m->n_filters; i++) {
		struct can_filter raw = { .can_id = m->filters[i]->id,
					  .can_mask = m->filters[i]->mask };

		memcpy(out->at + i * sizeof(raw), &raw, sizeof(raw));
	}
	out->used = bytes;
	return 0;
}

int sockopt_j1939_filters_encode(const struct sockopt *opt, const uint8_t *value, size_t length,
				 ProtobufCAllocator *a, Value *out)
{
	Sockbroker__V1__OptionValue__J1939Filters *m;
	size_t n = length / sizeof(struct j1939_filter);

	(void)opt;
	if (length % sizeof(struct j1939_filter) || n > J1939_FILTER_MAX)
		return -EINVAL;
	m = build_message(a, &sockbroker__v1__option_value__j1939_filters__descriptor);
	if (!m)
		return -ENOMEM;
	out->j1939_filters = m;
	m->filters = build_alloc(a, n * sizeof(*m->filters));
	if (!m->filters)
		return -ENOMEM;
	for (; m->n_filters < n; m->n_filters++) {
		Sockbroker__V1__OptionValue__J1939Filters__J1939Filter *f = build_message(
			a, &sockbroker__v1__option_value__j1939_filters__j1939_filter__descriptor);
		struct j1939_filter raw;

		if (!f)
			return -ENOMEM;
		memcpy(&raw, value + m->n_filters * sizeof(raw), sizeof(raw));
		f->name = raw.name;
		f->name_mask = raw.name_mask;
		f->pgn = raw.pgn;
		f->pgn_mask = raw.pgn_mask;
		f->addr = raw.addr;
		f->addr_mask = raw.addr_mask;
		m->filters[m->n_filters] = f;
	}
	return 0;
}

int sockopt_j1939_filters_decode(const struct sockopt *opt, const Value *in,
				 struct sockopt_place *out)
{
	const Sockbroker__V1__OptionValue__J1939Filters *m = in->j1939_filters;
	size_t bytes = m->n_filters * sizeof(struct j1939_filter);

	(void)opt;
	if (m->n_filters > J1939_FILTER_MAX || bytes > out->size ||
	    (out->length != SOCKOPT_NO_LENGTH && out->length != bytes))
		return -EINVAL;
	for (size_t i = 0; i < m->n_filters; i++) {
		const Sockbroker__V1__OptionValue__J1939Filters__J1939Filter *f = m->filters[i];
		struct j1939_filter raw;

		if (f->addr > UINT8_MAX || f->addr_mask > UINT8_MAX)
			return -EINVAL;
		memset(&raw, 0, sizeof(raw)); /* the padding, too */
		raw.name = f->name;
		raw.name_mask = f->name_mask;
		raw.pgn = f->pgn;
		raw.pgn_mask = f->pgn_mask;
		raw.addr = (uint8_t)f->addr;
		raw.addr_mask = (uint8_t)f->addr_mask;
		memcpy(out->at + i * sizeof(raw), &raw, sizeof(raw));
	}
	out->used = bytes;
	return 0;
}

/* A program lies behind its sock_fprog; the other lists are the values
 * themselves. */
size_t sockopt_room(const struct sockopt *opt)
{
	enum { ROOM = 8192 };

	return opt->kind == SOCKOPT_FILTER || opt->kind == SOCKOPT_J1939_FILTERS
		? SOCKOPT_BYTES_MAX : ROOM;
}
