/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - sockbroker-bench: which measures, each in a process of its own, and
 * then the report.
 */
#include <argp.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "machine.h"
#include "raw.h"
#include "programs.h"
#include "report.h"
#include "work.h"

enum { KEY_JSON = 0x100, KEY_LIST, KEY_ONLY, KEY_ROUNDS, KEY_DAEMON, KEY_LAUNCHER, ROUNDS_DEFAULT = 7 };
enum { MEASURES_MAX = 64, EXIT_USAGE = 2, EXIT_SKIPPED = 77 };

const char *argp_program_version = "sockbroker-bench " SB_VERSION;

static const char doc[] =
	"Measure the broker and the client library, each figure against a baseline of the same "
	"run."
	"\vIt starts brokers of its own. Rounds of baseline and measure alternate, the medians "
	"are shown. As root it runs before other processes; on a busy machine, or without root, "
	"the figures mean less.\n\n"
	"Measures named WORK-WAY are programs that know nothing of a broker, or nearly, and beside them "
	"what others would send them through: they run in a network namespace of their own, and those whose "
	"programs (socat, danted, proxychains4, redis-server, redis-benchmark) are not installed are skipped.\n\n"
	"Exit status: 0 if all was measured or skipped, whether targets are met or not; 1 if something "
	"could not be; 2 for wrong usage.";

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "An array of objects instead of a table", 0 },
	{ "list", KEY_LIST, NULL, 0, "Name the measures", 0 },
	{ "only", KEY_ONLY, "NAME", 0, "Only this measure, or those that a pattern as of a shell's file names fits; "
	  "can be repeated", 0 },
	{ "rounds", KEY_ROUNDS, "N", 0, "Rounds of each, 1 to 1000 (7)", 0 },
	{ "daemon", KEY_DAEMON, "FILE", 0, "The sockbrokerd to measure (found beside this program, or in PATH)", 0 },
	{ "launcher", KEY_LAUNCHER, "FILE", 0, "The sockbroker whose `run' is measured (found likewise)", 0 },
	{ 0 },
};

struct asked {
	struct settings settings;
	bool json, list, some;
	bool chosen[MEASURES_MAX];
};

static const char *current; /* the name of the measure that runs */

/* ---- what all parts say ---------------------------------------------------------- */

int fail_with(const char *what, const char *why)
{
	progress(NULL, 0, 0);
	fprintf(stderr, "sockbroker-bench: %s%s%s: %s\n", current ? current : "",
		current ? ": " : "", what, why);
	return -1;
}

int fail(const char *what)
{
	return fail_with(what, strerror(errno));
}

int skip(const char *what, const char *why)
{
	progress(NULL, 0, 0);
	fprintf(stderr, "sockbroker-bench: %s: skipped: %s %s\n", current ? current : "", what, why);
	return SKIPPED;
}

void progress(const char *name, unsigned round, unsigned rounds)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K");
	if (rounds)
		fprintf(stderr, "%s %u/%u", name ? name : current, round, rounds);
	fflush(stderr);
}

/* ---- the command line -------------------------------------------------------------- */

static void choose(struct asked *a, const char *name, struct argp_state *state)
{
	bool found = false;

	for (size_t i = 0; i < n_measures; i++)
		if (fnmatch(name, measures[i].name, 0) == 0)
			a->chosen[i] = a->some = found = true;
	if (!found)
		argp_error(state, "there is no measure '%s'; --list names them", name);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct asked *a = state->input;
	char *end;
	long n;

	switch (key) {
	case KEY_JSON:
		a->json = true;
		return 0;
	case KEY_LIST:
		a->list = true;
		return 0;
	case KEY_ONLY:
		choose(a, arg, state);
		return 0;
	case KEY_ROUNDS:
		n = strtol(arg, &end, 10);
		if (!*arg || *end || n < 1 || n > 1000)
			argp_error(state, "--rounds takes a number from 1 to 1000, not '%s'", arg);
		a->settings.rounds = (unsigned)n;
		return 0;
	case KEY_DAEMON:
		a->settings.daemon = arg;
		return 0;
	case KEY_LAUNCHER:
		a->settings.launcher = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- running ------------------------------------------------------------------------ */

static int run_one(const struct measure *m, struct settings *s, struct figures *ret)
{
	int ends[2], status = 0;
	bool got;
	pid_t pid;

	current = m->name;
	s->measure = m;
	if (pipe(ends) < 0)
		return fail("pipe");
	pid = spawn();
	if (pid == 0) {
		struct figures f = { 0 };
		const int r = m->run(s, &f);

		_exit(r == SKIPPED ? EXIT_SKIPPED :
		      r == 0 && write(ends[1], &f, sizeof(f)) == sizeof(f) ? 0 : 1);
	}
	close(ends[1]);
	got = pid > 0 && read_all(ends[0], ret, sizeof(*ret));
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	progress(NULL, 0, 0);
	if (!got && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
		return SKIPPED;
	return got ? 0 : fail_with("no figures", "it did not come to its end");
}

static int run_all(void *asked)
{
	struct asked *a = asked;
	struct figures figures[MEASURES_MAX];
	const struct measure *done[MEASURES_MAX];
	size_t n = 0;
	int r = 0;

	machine_warm();
	for (size_t i = 0; i < n_measures; i++) {
		if (a->some && !a->chosen[i])
			continue;
		switch (run_one(&measures[i], &a->settings, &figures[n])) {
		case 0:
			done[n++] = &measures[i];
			break;
		case SKIPPED:
			break;
		default:
			r = -1;
		}
	}
	machine_cool();
	current = NULL;
	if (a->json)
		report_json(done, figures, n);
	else
		report_table(done, figures, n);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { .options = options, .parser = parse_option, .doc = doc };
	static struct asked asked = { .settings = { .rounds = ROUNDS_DEFAULT } };

	if (argc > 1 && strcmp(argv[1], "--work") == 0) /* we started ourselves */
		return work_main(argc - 2, argv + 2);
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &asked);
	if (asked.list) {
		report_list();
		return EXIT_SUCCESS;
	}
	if (!asked.settings.daemon)
		asked.settings.daemon = program_find("sockbrokerd");
	if (!asked.settings.launcher)
		asked.settings.launcher = program_find("sockbroker");
	if (!asked.settings.daemon) {
		(void)fail_with("sockbrokerd", "is neither beside this program nor in PATH; name it with --daemon");
		return EXIT_USAGE;
	}
	return machine_run(run_all, &asked) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
