/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - sockbroker: picks the subcommand; all else is in command_*.c. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sockbroker.h"

const char *argp_program_version = "sockbroker " SB_VERSION;

static const struct command *const commands[] = {
	&command_run,     &command_policy_check, &command_policy_explain,
	&command_sockets, &command_sessions,     &command_status,
};
enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

int fail(const char *format, ...)
{
	va_list list;

	fflush(stdout);
	fputs("sockbroker: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	return EXIT_NO;
}

static error_t address_parse(int key, char *arg, struct argp_state *state)
{
	if (key != 'a')
		return ARGP_ERR_UNKNOWN;
	if (strncmp(arg, "unix:", 5) != 0)
		argp_error(state, "'%s' is not an address: write it as unix:/PATH", arg);
	if (setenv("SOCKBROKER_ADDRESS", arg, 1) < 0)
		argp_failure(state, EXIT_NO, 0, "out of memory");
	return 0;
}

static const struct argp_option address_options[] = {
	{ "address", 'a', "unix:/PATH", 0,
	  "The broker to ask (default: $SOCKBROKER_ADDRESS, or " SB_DEFAULT_ADDRESS ")", 0 },
	{ 0 },
};
const struct argp address_argp = { .options = address_options, .parser = address_parse };

/* The row whose name the arguments start with, and how many they are. */
static const struct command *find(int argc, char **argv, int *ret_words)
{
	for (int i = 0; i < N_COMMANDS; i++) {
		const char *name = commands[i]->name;
		const char *second = strchr(name, ' ');
		const size_t first = second ? (size_t)(second - name) : strlen(name);

		if (strlen(argv[0]) != first || strncmp(name, argv[0], first) != 0)
			continue;
		if (second && (argc < 2 || strcmp(second + 1, argv[1]) != 0))
			continue;
		*ret_words = second ? 2 : 1;
		return commands[i];
	}
	return NULL;
}

/* What comes before the subcommand; stops at it. */
static error_t main_parse(int key, char *arg, struct argp_state *state)
{
	int *first = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = NULL;
		return 0;
	case ARGP_KEY_ARG:
		*first = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "say what to do");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The list of subcommands, for --help; argp frees it. */
static char *main_help(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t size;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)(uintptr_t)text;
	out = open_memstream(&list, &size);
	if (!out)
		return NULL;
	fputs("Commands:\n", out);
	for (int i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-16s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n'sockbroker COMMAND --help' tells more of each. "
	      "See also sockbroker(1), sockbrokerd(8), sockbroker-policy(5).", out);
	fclose(out);
	return list;
}

int main(int argc, char **argv)
{
	static const struct argp_child children[] = { { &address_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		.parser = main_parse,
		.args_doc = "COMMAND [ARGUMENT...]",
		.doc = "Run programs with the socket broker, look into it and its policy.\v",
		.children = children,
		.help_filter = main_help,
	};
	const struct command *command;
	char name[64], program[] = "sockbroker";
	int first = 0, words = 0;

	argp_err_exit_status = EXIT_USAGE;
	argv[0] = program;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &first);

	command = find(argc - first, argv + first, &words);
	if (!command) {
		fail("there is no command '%s%s%s'; 'sockbroker --help' lists them", argv[first],
		     first + 1 < argc ? " " : "", first + 1 < argc ? argv[first + 1] : "");
		return EXIT_USAGE;
	}
	snprintf(name, sizeof(name), "sockbroker %s", command->name);
	argv[first + words - 1] = name;
	return command->run(argc - first - words + 1, argv + first + words - 1);
}
