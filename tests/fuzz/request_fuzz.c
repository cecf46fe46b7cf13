/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as a client sends it, unpacked into an arena; then every decoder
 * gets what is in it. What decodes must encode again.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "sockbroker/v1/broker.pb-c.h"
#include "wire/addr.h"
#include "wire/arena.h"
#include "wire/cmsg.h"
#include "wire/ioctls.h"
#include "wire/sockopt.h"

typedef Sockbroker__V1__ControlMessage ControlMessage;

static uint8_t room[SOCKOPT_BYTES_MAX];

static int to_fd(void *context, uint32_t handle)
{
	(void)context;
	return handle & 1 ? (int)(handle % 1000) : -EBADF;
}

static void take_address(const Sockbroker__V1__Address *m, struct arena *arena)
{
	Sockbroker__V1__Address *again = NULL;
	char text[ADDR_TEXT_BYTES];
	struct sock_addr a;

	if (addr_decode(m, &a) < 0)
		return;
	check(a.len <= sizeof(a.ss));
	addr_print((const struct sockaddr *)&a.ss, a.len, text, sizeof(text));
	check(addr_encode((const struct sockaddr *)&a.ss, a.len, &arena->allocator, &again) == 0);
	for (int protocol = 0; protocol < 8; protocol++) {
		struct sock_addr fitted = a;

		if (addr_fit(&fitted, fitted.ss.ss_family, protocol) == 0)
			check(fitted.len <= a.len && fitted.len >= sizeof(sa_family_t));
	}
}

static void take_control(ControlMessage *const *messages, size_t n)
{
	const struct cmsg_rights rights = { .to_fd = to_fd };
	struct msghdr out = { .msg_control = room, .msg_controllen = 200 };
	size_t space = cmsg_space(messages, n);

	cmsg_decode(messages, n, &rights, &out);
	check(out.msg_controllen <= 200);
	if (space > sizeof(room))
		return;
	out = (struct msghdr){ .msg_control = room, .msg_controllen = space };
	if (cmsg_decode(messages, n, &rights, &out) == 0)
		check(!(out.msg_flags & MSG_CTRUNC));
}

static void take_option(const Sockbroker__V1__SetOptionRequest *m, struct arena *arena)
{
	const struct sockopt *row = sockopt_find(m->level, m->name);
	const uint32_t *length =
		m->size_case == SOCKBROKER__V1__SET_OPTION_REQUEST__SIZE_LENGTH ? &m->length : NULL;
	Sockbroker__V1__OptionValue *again = NULL;
	socklen_t out = 0;

	if (!row || sockopt_decode(row, m->value, length, room, sizeof(room), &out) < 0)
		return;
	check(out <= sizeof(room));
	sockopt_encode(row, room, out, &arena->allocator, &again);
}

/* Every row, whatever the request says: a fuzzer is slow to guess numbers. */
static void take_value(const Sockbroker__V1__OptionValue *value, uint32_t length,
		       struct arena *arena)
{
	size_t n;
	const struct sockopt *rows = sockopt_rows(&n);

	for (size_t i = 0; i < n; i++) {
		Sockbroker__V1__OptionValue *again = NULL;
		socklen_t out = 0;

		if (sockopt_decode(&rows[i], value, NULL, room, sizeof(room), &out) == 0) {
			int r = sockopt_encode(&rows[i], room, out, &arena->allocator, &again);

			check(r == 0);
		}
		if (sockopt_decode(&rows[i], value, &length, room, sizeof(room), &out) == 0)
			check(out == length);
	}
}

static void take_ioctl(const Sockbroker__V1__IoctlRequest *m, struct arena *arena)
{
	const struct ioctl_row *row = ioctl_find(m->request);
	Sockbroker__V1__IoctlValue *again = NULL;
	union ioctl_argument arg;

	if (row && ioctl_decode(row, m->value, &arg) == 0)
		check(ioctl_encode(row, &arg, &arena->allocator, &again) == 0);
	arg.ifconf.ifc_len = sizeof(room);
	arg.ifconf.ifc_buf = (char *)room;
	if (ioctl_conf_decode(m->value, &arg.ifconf) == 0) {
		check(arg.ifconf.ifc_len <= (int)sizeof(room));
		check(ioctl_conf_encode(&arg.ifconf, &arena->allocator, &again) == 0);
	}
}

static void take_send_many(const Sockbroker__V1__SendManyRequest *m, struct arena *arena)
{
	for (size_t i = 0; i < m->n_addresses; i++)
		take_address(m->addresses[i], arena);
	for (size_t i = 0; i < m->n_control; i++)
		take_control(m->control[i]->messages, m->control[i]->n_messages);
}

static void take_request(const Sockbroker__V1__Request *m, struct arena *arena)
{
	switch (m->op_case) {
	case SOCKBROKER__V1__REQUEST__OP_BIND:
		take_address(m->bind->address, arena);
		break;
	case SOCKBROKER__V1__REQUEST__OP_CONNECT:
		take_address(m->connect->address, arena);
		break;
	case SOCKBROKER__V1__REQUEST__OP_SEND:
		take_address(m->send->address, arena);
		take_control(m->send->control, m->send->n_control);
		break;
	case SOCKBROKER__V1__REQUEST__OP_SEND_MANY:
		take_send_many(m->send_many, arena);
		break;
	case SOCKBROKER__V1__REQUEST__OP_SET_OPTION:
		take_option(m->set_option, arena);
		take_value(m->set_option->value, m->set_option->length, arena);
		break;
	case SOCKBROKER__V1__REQUEST__OP_IOCTL:
		take_ioctl(m->ioctl, arena);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	Sockbroker__V1__Request *m;

	arena_init(&arena);
	m = sockbroker__v1__request__unpack(&arena.allocator, size, data);
	if (m)
		take_request(m, &arena);
	arena_reset(&arena);
	return 0;
}
