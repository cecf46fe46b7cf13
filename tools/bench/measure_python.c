/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure_python.c - Python's send() and recv(): by the standard module, by ours, and by stubs that make
 * one RPC of each call.
 *
 * Each side is an interpreter that answers a line with a figure; measure.py of
 * client-lib/python/bench is what it runs.
 */
#include "bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"

struct side {
	pid_t pid;
	FILE *to, *from;
};

struct rig {
	struct daemon daemon;
	struct side baseline, value;
};

/* In the child. */
static void side_run(const struct rig *rig, const char *name, int in, int out)
{
	const char *path = getenv("PYTHONPATH");
	char search[4096];

	snprintf(search, sizeof(search), "%s%s%s", SB_BENCH_MODULE, path ? ":" : "", path ? path : "");
	setenv("PYTHONPATH", search, 1);
	setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
	setenv("SOCKBROKER_ADDRESS", rig->daemon.address, 1);
	machine_pin(CORE_CLIENT);
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
		execl(SB_BENCH_PYTHON, SB_BENCH_PYTHON, SB_BENCH_SCRIPT, "side", name, (char *)NULL);
	(void)fail(SB_BENCH_PYTHON);
	_exit(127);
}

static int side_start(struct rig *rig, struct side *side, const char *name)
{
	int to[2], from[2];
	char line[64];

	if (pipe(to) < 0 || pipe(from) < 0)
		return fail("pipe");
	side->pid = spawn();
	if (side->pid == 0) {
		close(to[1]);
		close(from[0]);
		side_run(rig, name, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	side->to = fdopen(to[1], "w");
	side->from = fdopen(from[0], "r");
	if (side->pid < 0 || !side->to || !side->from)
		return fail("fork");
	if (!fgets(line, sizeof(line), side->from) || strcmp(line, "ready\n") != 0)
		return fail_with(SB_BENCH_SCRIPT, "the interpreter ended; see what it said above");
	return 0;
}

static void side_stop(struct side *side)
{
	reap(side->pid, SIGKILL);
	if (side->to)
		fclose(side->to);
	if (side->from)
		fclose(side->from);
}

static double side_ask(struct side *side)
{
	char line[64];

	fputs("latency\n", side->to);
	if (fflush(side->to) != 0 || !fgets(line, sizeof(line), side->from))
		return fail_with(SB_BENCH_SCRIPT, "the interpreter ended");
	return strtod(line, NULL);
}

static double baseline_us(void *rig)
{
	return side_ask(&((struct rig *)rig)->baseline);
}

static double value_us(void *rig)
{
	return side_ask(&((struct rig *)rig)->value);
}

static int measure(const struct settings *s, const char *baseline, struct figures *ret)
{
	struct rig rig = { .baseline.pid = -1, .value.pid = -1 };
	int r;

	if (access(SB_BENCH_SCRIPT, R_OK) < 0)
		return fail(SB_BENCH_SCRIPT);
	signal(SIGPIPE, SIG_IGN);
	r = daemon_start(&rig.daemon, s, CORE_SERVER, 0);
	if (r == 0)
		r = side_start(&rig, &rig.baseline, baseline);
	if (r == 0)
		r = side_start(&rig, &rig.value, "binding");
	if (r == 0)
		r = rounds_run(s, baseline_us, value_us, &rig, ret);
	side_stop(&rig.baseline);
	side_stop(&rig.value);
	daemon_stop(&rig.daemon);
	return r;
}

int measure_python_kernel(const struct settings *s, struct figures *ret)
{
	return measure(s, "kernel", ret);
}

int measure_python_unary(const struct settings *s, struct figures *ret)
{
	return measure(s, "unary", ret);
}
