/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "command.h"
#include "listing.h"
#include "sockbroker-admin.h"

#define FIELD(name) offsetof(struct sb_admin_session, name)

static const struct column columns[] = {
	{ "SESSION", "session", true, FIELD(session), cell_uint64 },
	{ "USER", "user", false, FIELD(owner.uid), cell_user },
	{ NULL, "uid", false, FIELD(owner.uid), cell_uint32 },
	{ "PID", "pid", true, FIELD(owner.pid), cell_int32 },
	{ "AGE", NULL, true, FIELD(age_ns), cell_age },
	{ NULL, "age_ns", true, FIELD(age_ns), cell_uint64 },
	{ "SOCKETS", "sockets", true, FIELD(sockets), cell_uint32 },
	{ "CALLS", "calls", true, FIELD(calls), cell_uint32 },
	{ "HELD", NULL, true, FIELD(held_bytes), cell_bytes },
	{ NULL, "held_bytes", true, FIELD(held_bytes), cell_uint64 },
	{ "OPERATIONS", "operations", true, FIELD(operations), cell_uint64 },
	{ "DENIED", "denials", true, FIELD(denials), cell_uint64 },
	{ "CLIENT", "client", false, FIELD(client), cell_chars },
};

static int ask(sb_broker *broker, void **ret_things, size_t *ret_n)
{
	struct sb_admin_session *list = NULL;
	const int error = sb_admin_sessions(broker, &list, ret_n);

	*ret_things = list;
	return error;
}

static void release(void *things)
{
	sb_admin_free_sessions(things);
}

static int run(int argc, char **argv)
{
	static const struct listing listing = {
		.doc = "List the sessions of the broker: yours, or, if a rule of the policy lets you "
		       "inspect, everybody's. This command's own is one of them.\v"
		       "CALLS are in flight, HELD is what the broker keeps for them; OPERATIONS were "
		       "begun, and DENIED, since the session was opened.",
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(columns[0]),
		.size = sizeof(struct sb_admin_session),
		.ask = ask,
		.release = release,
	};

	return listing_run(&listing, argc, argv);
}

const struct command command_sessions = {
	.name = "sessions",
	.summary = "list who is connected, how long, and what they do",
	.run = run,
};
