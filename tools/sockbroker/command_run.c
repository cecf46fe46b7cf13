/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>

#include "run/run.h"

static const struct argp_option options[] = {
	{ "all", 'A', NULL, 0,
	  "Every inet, inet6, packet and CAN socket is the broker's, and each bind, listen, connect and "
	  "addressed send on it is judged. A program in an empty network namespace has the broker's network",
	  0 },
	{ "trace", 't', NULL, 0, "Print each call that the broker is asked for, with its verdict", 0 },
	{ "suggest-policy", 's', "FILE", 0,
	  "Write the smallest policy by which the broker would do what this run asks of it", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *run = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = NULL;
		return 0;
	case 'A':
		run->all = true;
		return 0;
	case 't':
		run->trace = true;
		return 0;
	case 's':
		run->suggest = arg;
		return 0;
	case ARGP_KEY_ARGS:
		run->argv = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "say which PROGRAM to run");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run(int argc, char **argv)
{
	static const struct argp_child children[] = { { &address_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.children = children,
		.args_doc = "[--] PROGRAM [ARGUMENT...]",
		.doc = "Run a program, unchanged, whose socket calls reach the broker. The sockets that "
		       "it may open stay its own; what the kernel refuses it, the broker does, if its "
		       "policy allows it (and says `direct`: the program gets the real descriptor).\v"
		       "  sockbroker run -- ping 127.0.0.1\n"
		       "  sockbroker run -- busybox httpd -f -p 80\n"
		       "  sockbroker run --all -- curl http://www.example.org/\n\n"
		       "What the program makes runs so as well, and this command stays until the last of "
		       "it has ended. A refusal is EACCES to the program, and a sentence here, once for each "
		       "kind. The program gets no rights by set-user-ID or file capabilities "
		       "(no_new_privs), and no io_uring.\n\n"
		       "Exit status: the program's; 128 and the number of the signal that ended it; 127 if "
		       "there is no such program, 126 if it cannot be executed, 125 if there is no "
		       "broker, or this command fails otherwise.",
	};
	struct run_options options_given = { 0 };

	argp_err_exit_status = RUN_FAILED;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options_given);
	return run_program(&options_given);
}

const struct command command_run = {
	.name = "run",
	.summary = "run a program whose socket calls reach the broker",
	.run = run,
};
