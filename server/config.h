/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - the daemon's command line. */
#ifndef SB_CONFIG_H
#define SB_CONFIG_H

#include "core/log.h"

struct config {
	const char *listen;       /* "unix:/path" */
	const char *policy;       /* a file, or NULL: same user only */
	const char *user;         /* to become, when started as root */
	enum log_level log_level;
	unsigned shards;
	unsigned socket_mode;
	int ready_fd;             /* -1: none */
};

/* Reads the command line; on a wrong one, or --help, --version, it says so and
 * exits (2, or 0). */
void config_parse(struct config *, int argc, char **argv);

#endif
