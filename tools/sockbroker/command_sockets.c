/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "command.h"
#include "listing.h"
#include "policy/names.h"
#include "sockbroker-admin.h"
#include "wire/addr.h"

/* The name that the policy has for it, or the number. A file has none of them. */
static void print_name(struct cell *ret, struct names names, int family, int number)
{
	const char *name = name_of(names, number);

	ret->none = family == 0;
	if (ret->none)
		cell_print(ret, "-");
	else if (name)
		cell_print(ret, "%s", name);
	else
		cell_print(ret, "%d", number);
}

static void cell_family(const void *thing, struct cell *ret)
{
	const struct sb_admin_socket *info = thing;

	print_name(ret, family_names(), info->family, info->family);
}

static void cell_type(const void *thing, struct cell *ret)
{
	const struct sb_admin_socket *info = thing;

	print_name(ret, type_names(), info->family, info->type);
}

/* What a protocol's number means is told by the family. */
static void cell_protocol(const void *thing, struct cell *ret)
{
	const struct sb_admin_socket *info = thing;

	print_name(ret, protocol_names(family_domain(info->family)), info->family, info->protocol);
}

static void print_address(struct cell *ret, const struct sockaddr_storage *address, socklen_t length)
{
	char text[ADDR_TEXT_BYTES];

	ret->none = length == 0;
	if (ret->none)
		cell_print(ret, "-");
	else
		cell_print(ret, "%s", addr_print((const void *)address, length, text, sizeof(text)));
}

static void cell_local(const void *thing, struct cell *ret)
{
	const struct sb_admin_socket *info = thing;

	print_address(ret, &info->local, info->local_length);
}

static void cell_peer(const void *thing, struct cell *ret)
{
	const struct sb_admin_socket *info = thing;

	print_address(ret, &info->peer, info->peer_length);
}

#define FIELD(name) offsetof(struct sb_admin_socket, name)

static const struct column columns[] = {
	{ "USER", "user", false, FIELD(owner.uid), cell_user },
	{ NULL, "uid", false, FIELD(owner.uid), cell_uint32 },
	{ "PID", "pid", true, FIELD(owner.pid), cell_int32 },
	{ "SESSION", "session", true, FIELD(session), cell_uint64 },
	{ "HANDLE", "handle", true, FIELD(handle), cell_uint32 },
	{ "FAMILY", "family", false, 0, cell_family },
	{ "TYPE", "type", false, 0, cell_type },
	{ "PROTOCOL", "protocol", false, 0, cell_protocol },
	{ "STATE", "state", false, FIELD(state), cell_chars },
	{ "RECV-Q", "receive_queue", true, FIELD(receive_queue), cell_uint64 },
	{ "SEND-Q", "send_queue", true, FIELD(send_queue), cell_uint64 },
	{ "LOCAL", "local", false, 0, cell_local },
	{ "PEER", "peer", false, 0, cell_peer },
	{ "RECEIVED", "received_bytes", true, FIELD(received_bytes), cell_uint64 },
	{ "SENT", "sent_bytes", true, FIELD(sent_bytes), cell_uint64 },
	{ "WAITING", "waiting_calls", true, FIELD(waiting_calls), cell_uint32 },
};

static int ask(sb_broker *broker, void **ret_things, size_t *ret_n)
{
	struct sb_admin_socket *list = NULL;
	const int error = sb_admin_sockets(broker, &list, ret_n);

	*ret_things = list;
	return error;
}

static void release(void *things)
{
	sb_admin_free_sockets(things);
}

static int run(int argc, char **argv)
{
	static const struct listing listing = {
		.doc = "List the sockets that the broker holds: yours, or, if a rule of the policy "
		       "lets you inspect, everybody's.\v"
		       "RECV-Q and SEND-Q are bytes that wait in the kernel, RECEIVED and SENT bytes "
		       "that went through the broker, WAITING calls that wait for the socket.",
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(columns[0]),
		.size = sizeof(struct sb_admin_socket),
		.ask = ask,
		.release = release,
	};

	return listing_run(&listing, argc, argv);
}

const struct command command_sockets = {
	.name = "sockets",
	.summary = "list the sockets that the broker holds, and for whom",
	.run = run,
};
