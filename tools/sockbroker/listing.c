/* SPDX-License-Identifier: Apache-2.0 */
#include "listing.h"

#include <stdio.h>
#include <string.h>

#include "command.h"

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print an array of objects", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case 'j':
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is too much: it takes options only", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int print(const struct listing *listing, const void *things, size_t n, bool json)
{
	const struct table table = {
		.columns = listing->columns,
		.n_columns = listing->n_columns,
		.things = things,
		.n_things = n,
		.size = listing->size,
	};

	if (json)
		return table_print_json(&table);
	return listing->one ? table_print_list(&table) : table_print(&table);
}

int listing_run(const struct listing *listing, int argc, char **argv)
{
	static const struct argp_child children[] = { { &address_argp, 0, NULL, 0 }, { 0 } };
	const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = listing->doc,
		.children = children,
	};
	bool json = false;
	void *things = NULL;
	size_t n = 0;
	sb_broker *broker;
	int error;

	argp_parse(&argp, argc, argv, 0, NULL, &json);
	broker = sb_connect_broker(NULL, SB_TRANSPORT_STREAM);
	if (!broker)
		return fail("%s", sb_error_message());
	if (listing->ask(broker, &things, &n) < 0) {
		fail("%s", sb_error_message());
		sb_disconnect_broker(broker);
		return EXIT_NO;
	}
	error = print(listing, things, n, json);
	listing->release(things);
	sb_disconnect_broker(broker);
	return error ? fail("cannot print: %s", strerror(-error)) : EXIT_YES;
}
