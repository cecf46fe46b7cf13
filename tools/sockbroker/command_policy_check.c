/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>

#include "policy/policy.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **file = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (*file)
			argp_error(state, "check one FILE at a time");
		*file = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "say which FILE to check");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "FILE",
		.doc = "Read a policy file as the broker does, and say where it is wrong.\v"
		       "Exit status: 0 if it is good, 1 if not (the mistake is told as "
		       "FILE:LINE:COLUMN: ...), 2 for wrong usage.",
	};
	const char *file = NULL;
	struct policy *policy;
	char error[512];
	size_t rules;

	argp_parse(&argp, argc, argv, 0, NULL, &file);
	policy = policy_load(file, error, sizeof(error));
	if (!policy)
		return fail("%s", error);
	rules = policy_rule_count(policy);
	printf("%s: good, %zu rule%s\n", file, rules, rules == 1 ? "" : "s");
	policy_unref(policy);
	return EXIT_YES;
}

const struct command command_policy_check = {
	.name = "policy check",
	.summary = "read a policy file and say where it is wrong",
	.run = run,
};
