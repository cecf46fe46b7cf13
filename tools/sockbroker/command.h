/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - one subcommand: a const row that describes itself.
 *
 * Each has its own argp, so that "sockbroker NAME --help" is complete. Errors go
 * to stderr as one sentence, by fail(); results to stdout.
 */
#ifndef SB_TOOLS_COMMAND_H
#define SB_TOOLS_COMMAND_H

#include <argp.h>

enum exit_status {
	EXIT_YES = 0,   /* done; allowed */
	EXIT_NO = 1,    /* failed; denied */
	EXIT_USAGE = 2, /* wrong arguments, an unreadable policy */
};

struct command {
	const char *name;    /* one or two words: "policy check" */
	const char *summary; /* one line, no full stop */
	/* argv[0] is "sockbroker NAME"; returns an exit_status */
	int (*run)(int argc, char **argv);
};

extern const struct command command_policy_check;
extern const struct command command_policy_explain;
extern const struct command command_run;
extern const struct command command_sockets;
extern const struct command command_sessions;
extern const struct command command_status;

/* Prints "sockbroker: " and the sentence to stderr; returns EXIT_NO. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --address, for an argp_child of the program and of those subcommands that ask a
 * broker. It sets SOCKBROKER_ADDRESS. */
extern const struct argp address_argp;

#endif
