/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - builds the parts of the daemon, and takes them down in reverse. */
#ifndef SB_SERVER_H
#define SB_SERVER_H

#include "config.h"

/* Runs until SIGTERM or SIGINT. Returns the exit status; has said what was
 * wrong. The signals are blocked already. */
int server_run(const struct config *);

#endif
