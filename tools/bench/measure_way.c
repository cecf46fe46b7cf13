/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure_way.c - a work done in one way, and the same in another.
 *
 * The two programs take turns of some milliseconds, so that what else the machine has to do falls
 * on both. Each round starts them anew: where a process's pages happen to lie makes more difference
 * than a filter of system calls.
 */
#include "bench.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine.h"
#include "programs.h"
#include "raw.h"
#include "way.h"
#include "work.h"

enum { TURNS = 20, PATIENCE_MS = 60000 };

/* A program at work. */
struct worker {
	struct way_open way;
	uint16_t port; /* of the other end, or where it receives datagrams itself */
	pid_t pid;     /* 0: none now */
	int talk;
	unsigned turns;
};

struct rig {
	const struct measure *measure;
	char self[PATH_MAX];
	pid_t end; /* the other one */
	struct worker baseline, value;
	struct raw raw;
};

static bool is_of_datagrams(enum work work)
{
	return work == WORK_DATAGRAMS || work == WORK_ADDRESSED;
}

static int worker_start(const struct rig *r, struct worker *w)
{
	struct program p = { .environment = w->way.environment, .core = CORE_ANY, .unprivileged = true };
	const size_t n = way_prefix(&w->way, p.argv);
	const enum work_calls whose = w->way.way == WAY_THREAD   ? CALLS_THREAD :
				      w->way.way == WAY_DETACHED ? CALLS_DETACHED :
				      w->way.way == WAY_DIRECT   ? CALLS_LIBRARY :
								   CALLS_KERNEL;
	char text[64];
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fail("socketpair");
	p.argv[n] = r->self;
	work_command(p.argv + n + 1, text, r->measure->work, whose, w->way.port, w->port);
	w->pid = program_start(&p, pair[1], pair[1]);
	w->talk = pair[0];
	w->turns = TURNS;
	close(pair[1]);
	return w->pid < 0 ? -1 : 0;
}

static int worker_end(struct worker *w)
{
	int r = 0;

	if (w->pid > 0) {
		close(w->talk);
		r = program_end(w->pid);
	}
	w->pid = 0;
	return r;
}

static double take_turn(const struct rig *r, struct worker *w)
{
	struct pollfd p = { .events = POLLIN };
	double found;

	if (w->turns == 0 && worker_end(w) < 0)
		return fail_with(r->measure->name, "the program failed, or did not end");
	if (w->pid == 0 && worker_start(r, w) < 0)
		return -1;
	w->turns--;
	p.fd = w->talk;
	if (!write_all(w->talk, "x", 1) || poll(&p, 1, PATIENCE_MS) != 1 ||
	    !read_all(w->talk, &found, sizeof(found)))
		return fail_with(r->measure->name, "the program failed, or took too long");
	return found;
}

static double baseline_turn(void *rig)
{
	return take_turn(rig, &((struct rig *)rig)->baseline);
}

static double value_turn(void *rig)
{
	return take_turn(rig, &((struct rig *)rig)->value);
}

static int rig_open(struct rig *r, const struct settings *s)
{
	const int type = is_of_datagrams(r->measure->work) ? SOCK_DGRAM : SOCK_STREAM;
	int done;

	if (readlink("/proc/self/exe", r->self, sizeof(r->self) - 1) < 0)
		return fail("/proc/self/exe");
	if (way_namespace() < 0)
		return -1;
	if (type == SOCK_STREAM)
		r->end = work_serve(r->measure->work, &r->value.port);
	if (r->end < 0)
		return -1;
	r->baseline.port = r->value.port;
	if (type == SOCK_DGRAM) {
		r->value.port = port_pick(type);
		r->baseline.port = port_pick(type);
	}
	done = way_begin(&r->value.way, r->measure->way, s, r->value.port, type);
	return done ? done :
		      way_begin(&r->baseline.way, r->measure->against, s, r->baseline.port, type);
}

static void rig_close(struct rig *r)
{
	(void)worker_end(&r->value);
	(void)worker_end(&r->baseline);
	way_end(&r->value.way);
	way_end(&r->baseline.way);
	reap(r->end, SIGKILL);
}

int measure_way(const struct settings *s, struct figures *ret)
{
	const struct settings turns = { .rounds = s->rounds * TURNS };
	struct rig r = { .measure = s->measure };
	int done = rig_open(&r, s);

	if (done == 0)
		done = rounds_run(&turns, baseline_turn, value_turn, &r, ret);
	rig_close(&r);
	return done;
}

/* ---- one socket() ------------------------------------------------------------------------ */

enum { RAW_CALLS = 500, RAW_BYTES = 64 };

static double raw_us(void *rig)
{
	return middle_us(raw_once, &((struct rig *)rig)->raw, RAW_CALLS);
}

static double socket_us(void *rig)
{
	const double rate = value_turn(rig);

	return rate > 0 ? 1e6 / rate : -1;
}

int measure_way_socket(const struct settings *s, struct figures *ret)
{
	const struct settings turns = { .rounds = s->rounds * TURNS };
	struct rig r = { .measure = s->measure };
	int done = raw_open(&r.raw, RAW_BYTES);

	if (done == 0)
		done = rig_open(&r, s);
	machine_pin(CORE_CLIENT);
	if (done == 0)
		done = rounds_run(&turns, raw_us, socket_us, &r, ret);
	rig_close(&r);
	raw_close(&r.raw);
	return done;
}
