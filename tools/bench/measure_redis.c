/* SPDX-License-Identifier: Apache-2.0 */
/* measure_redis.c - redis-benchmark and redis-server, both in one way or both natively. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "machine.h"
#include "programs.h"
#include "way.h"

struct redis {
	struct way_open way;
	char *server, *benchmark;
	char port[8];
	pid_t pid;
};

struct rig {
	struct redis native, other;
};

static int find(char **ret, const char *name)
{
	*ret = program_find(name);
	return *ret ? 0 : skip(name, "is not installed");
}

static void append(const char **argv, size_t n, const char *const *words)
{
	while ((argv[n++] = *words++))
		;
}

static int redis_start(struct redis *r, enum way way, const struct settings *s)
{
	struct program p = { .core = CORE_SERVER, .unprivileged = true };
	const uint16_t port = port_pick(SOCK_STREAM);
	int done = find(&r->server, "redis-server");

	if (done == 0)
		done = find(&r->benchmark, "redis-benchmark");
	if (done == 0)
		done = way_begin(&r->way, way, s, port, SOCK_STREAM);
	if (done != 0)
		return done;
	snprintf(r->port, sizeof(r->port), "%u", port);
	p.environment = r->way.environment;
	append(p.argv, way_prefix(&r->way, p.argv),
	       (const char *const[]){ r->server, "--port", r->port, "--bind", "127.0.0.1", "--save", "",
				      "--appendonly", "no", NULL });
	r->pid = program_start(&p, -1, -1);
	if (r->pid < 0)
		return -1;
	return port_await(port, SOCK_STREAM, r->pid) == 0 ? 0 :
							    fail_with(r->server, "it did not start");
}

static void redis_stop(struct redis *r)
{
	program_stop(r->pid);
	way_end(&r->way);
	free(r->server);
	free(r->benchmark);
}

/* Its second line is "GET","123456.78", and so on. */
static double requests_per_second(struct redis *r)
{
	struct program p = { .environment = r->way.environment, .core = CORE_CLIENT,
			     .unprivileged = true };
	char text[512];
	double rate = -1;
	const char *row;

	append(p.argv, way_prefix(&r->way, p.argv),
	       (const char *const[]){ r->benchmark, "-h", "127.0.0.1", "-p", r->port, "-n", "100000",
				      "-t", "get", "--csv", NULL });
	if (program_read(&p, text, sizeof(text)) < 0)
		return -1;
	row = strstr(text, "\"GET\",\"");
	if (row)
		rate = strtod(row + strlen("\"GET\",\""), NULL);
	return rate > 0 ? rate : fail_with(r->benchmark, "it printed no figure");
}

static double native_once(void *rig)
{
	return requests_per_second(&((struct rig *)rig)->native);
}

static double other_once(void *rig)
{
	return requests_per_second(&((struct rig *)rig)->other);
}

int measure_redis(const struct settings *s, struct figures *ret)
{
	struct rig r = { 0 };
	int done = way_namespace();

	if (done == 0)
		done = redis_start(&r.other, s->measure->way, s);
	if (done == 0)
		done = redis_start(&r.native, s->measure->against, s);
	if (done == 0)
		done = rounds_run(s, native_once, other_once, &r, ret);
	redis_stop(&r.other);
	redis_stop(&r.native);
	return done;
}
