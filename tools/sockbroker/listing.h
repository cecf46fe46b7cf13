/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.h - a subcommand that asks a broker for things of one kind and prints
 * them: all but what they are.
 */
#ifndef SB_TOOLS_LISTING_H
#define SB_TOOLS_LISTING_H

#include "sockbroker.h"
#include "table.h"

struct listing {
	const char *doc;      /* for --help */
	const struct column *columns;
	size_t n_columns;
	size_t size;          /* of a thing, bytes */
	bool one;             /* there is always one thing: print it as a list of lines */
	/* Returns 0, and the things in one piece for release(); or -1 and errno. */
	int (*ask)(sb_broker *, void **ret_things, size_t *ret_n);
	void (*release)(void *things);
};

/* Reads the arguments, asks, prints. Returns an exit_status. */
int listing_run(const struct listing *, int argc, char **argv);

#endif
