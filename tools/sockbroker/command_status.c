/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdlib.h>

#include "command.h"
#include "listing.h"
#include "sockbroker-admin.h"

static void cell_policy(const void *field, struct cell *ret)
{
	const char *path = field;

	cell_print(ret, "%s", *path ? path : "none: it serves its own user only");
}

#define FIELD(name) offsetof(struct sb_admin_status, name)

static const struct column columns[] = {
	{ "version", "version", false, FIELD(version), cell_chars },
	{ "pid", "pid", true, FIELD(pid), cell_int32 },
	{ "up for", NULL, true, FIELD(uptime_ns), cell_age },
	{ NULL, "uptime_ns", true, FIELD(uptime_ns), cell_uint64 },
	{ "policy", NULL, false, FIELD(policy), cell_policy },
	{ NULL, "policy", false, FIELD(policy), cell_chars },
	{ "rules", "policy_rules", true, FIELD(policy_rules), cell_uint32 },
	{ "policy read", NULL, true, FIELD(policy_age_ns), cell_age },
	{ NULL, "policy_age_ns", true, FIELD(policy_age_ns), cell_uint64 },
	{ "shards", "shards", true, FIELD(shards), cell_uint32 },
	{ "connections", "connections", true, FIELD(connections), cell_uint32 },
	{ "sessions", "sessions", true, FIELD(sessions), cell_uint32 },
	{ "sockets", "sockets", true, FIELD(sockets), cell_uint32 },
	{ "operations", "operations", true, FIELD(operations), cell_uint64 },
	{ "denials", "denials", true, FIELD(denials), cell_uint64 },
	{ "memory", NULL, true, FIELD(resident_bytes), cell_bytes },
	{ NULL, "resident_bytes", true, FIELD(resident_bytes), cell_uint64 },
};

static int ask(sb_broker *broker, void **ret_things, size_t *ret_n)
{
	struct sb_admin_status *status = malloc(sizeof(*status));

	if (!status)
		return -1;
	if (sb_admin_status(broker, status) < 0) {
		free(status);
		return -1;
	}
	*ret_things = status;
	*ret_n = 1;
	return 0;
}

static int run(int argc, char **argv)
{
	static const struct listing listing = {
		.doc = "Tell of the broker itself: its version, its policy, what it holds.",
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(columns[0]),
		.size = sizeof(struct sb_admin_status),
		.one = true,
		.ask = ask,
		.release = free,
	};

	return listing_run(&listing, argc, argv);
}

const struct command command_status = {
	.name = "status",
	.summary = "tell of the broker itself",
	.run = run,
};
