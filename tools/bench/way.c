/* SPDX-License-Identifier: Apache-2.0 */
/*
 * way.c - the ways. A relay or a proxy is set up as its manual has it, with no logging, so that it does
 * what its users have it do and no less.
 */
#include "way.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int way_namespace(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd, r;

	if (geteuid() != 0)
		return 0;
	if (unshare(CLONE_NEWNET) < 0)
		return errno == EPERM ? 0 : fail("unshare");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r = fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &lo);
	if (fd >= 0)
		close(fd);
	return r < 0 ? fail("the loopback interface") : 0;
}

static int need(char **ret, const char *name)
{
	*ret = program_find(name);
	return *ret ? 0 : skip(name, "is not installed");
}

/* ---- ours -------------------------------------------------------------------------------- */

static int begin_native(struct way_open *w, const struct settings *s, uint16_t port, int type)
{
	(void)s, (void)type;
	w->port = port;
	return 0;
}

static int begin_broker(struct way_open *w, const struct settings *s, uint16_t port, int type)
{
	(void)type;
	w->port = port;
	if (daemon_start(&w->daemon, s, CORE_ANY, 0) < 0)
		return -1;
	snprintf(w->address, sizeof(w->address), "SOCKBROKER_ADDRESS=%s", w->daemon.address);
	w->environment[0] = w->address;
	return 0;
}

static int begin_direct(struct way_open *w, const struct settings *s, uint16_t port, int type)
{
	w->environment[1] = "SOCKBROKER_DIRECT=1";
	return begin_broker(w, s, port, type);
}

static int begin_run(struct way_open *w, const struct settings *s, uint16_t port, int type)
{
	if (!s->launcher)
		return skip("sockbroker", "is not installed");
	w->program[0] = strdup(s->launcher);
	return !w->program[0] ? fail("strdup") : begin_broker(w, s, port, type);
}

/* ---- what others have ------------------------------------------------------------------------ */

static int start_relay(struct way_open *w, const struct program *p, int type)
{
	w->relay = program_start(p, -1, -1);
	if (w->relay < 0)
		return -1;
	return port_await(w->port, type, w->relay) == 0 ? 0 :
							  fail_with(p->argv[0], "it did not start");
}

static int begin_socat(struct way_open *w, const struct settings *s, uint16_t port, int type)
{
	const bool stream = type == SOCK_STREAM;
	struct program p = { .core = CORE_ANY };
	char from[96], to[96];
	int r = need(&w->program[0], "socat");

	(void)s;
	if (r != 0)
		return r;
	w->port = port_pick(type);
	snprintf(from, sizeof(from), stream ? "TCP4-LISTEN:%u,bind=127.0.0.1,reuseaddr,fork" :
					      "UDP4-RECV:%u,bind=127.0.0.1",
		 w->port);
	snprintf(to, sizeof(to), stream ? "TCP4:127.0.0.1:%u" : "UDP4-SENDTO:127.0.0.1:%u", port);
	p.argv[0] = w->program[0];
	p.argv[1] = stream ? from : "-u";
	p.argv[2] = stream ? to : from;
	p.argv[3] = stream ? NULL : to;
	return start_relay(w, &p, type);
}

static int write_config(const struct way_open *w, const char *name, const char *format,
			unsigned number)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", w->folder, name);
	out = fopen(path, "we");
	if (!out)
		return fail(path);
	fprintf(out, format, number);
	return fclose(out) == 0 ? 0 : fail(path);
}

static const char danted_conf[] =
	"logoutput: /dev/null\n"
	"internal: 127.0.0.1 port = %u\n"
	"external: 127.0.0.1\n"
	"clientmethod: none\n"
	"socksmethod: none\n"
	"client pass { from: 127.0.0.0/8 to: 127.0.0.0/8 }\n"
	"socks pass { from: 127.0.0.0/8 to: 127.0.0.0/8 }\n";
static const char proxychains_conf[] =
	"strict_chain\n"
	"quiet_mode\n"
	"[ProxyList]\n"
	"socks5 127.0.0.1 %u\n";

static int begin_socks(struct way_open *w, const struct settings *s, uint16_t port, int type)
{
	struct program p = { .folder = w->folder, .core = CORE_ANY };
	int r = need(&w->program[0], "danted");

	(void)s;
	if (r == 0)
		r = need(&w->program[1], "proxychains4");
	if (r != 0)
		return r;
	snprintf(w->folder, sizeof(w->folder), "/tmp/sockbroker-bench.XXXXXX");
	if (!mkdtemp(w->folder))
		return fail("mkdtemp");
	w->port = port_pick(type);
	if (write_config(w, "danted.conf", danted_conf, w->port) < 0 ||
	    write_config(w, "proxychains.conf", proxychains_conf, w->port) < 0)
		return -1;
	snprintf(w->config, sizeof(w->config), "%s/proxychains.conf", w->folder);
	p.argv[0] = w->program[0];
	p.argv[1] = "-f";
	p.argv[2] = "danted.conf";
	p.argv[3] = "-p";
	p.argv[4] = "danted.pid";
	r = start_relay(w, &p, type);
	w->port = port; /* the program knows nothing of the proxy */
	return r;
}

/* ---- all --------------------------------------------------------------------------------------- */

static const struct {
	int (*begin)(struct way_open *, const struct settings *, uint16_t port, int type);
	const char *words[4]; /* after the path of program[launcher] */
	int launcher;
} ways[] = {
	[WAY_NATIVE] = { .begin = begin_native },
	[WAY_THREAD] = { .begin = begin_native },
	[WAY_DETACHED] = { .begin = begin_broker },
	[WAY_DIRECT] = { .begin = begin_direct },
	[WAY_RUN] = { .begin = begin_run, .words = { "run", "--" } },
	[WAY_RUN_ALL] = { .begin = begin_run, .words = { "run", "--all", "--" } },
	[WAY_SOCAT] = { .begin = begin_socat },
	[WAY_SOCKS] = { .begin = begin_socks, .words = { "-q", "-f" }, .launcher = 1 },
};

int way_begin(struct way_open *w, enum way way, const struct settings *s, uint16_t port, int type)
{
	*w = (struct way_open){ .way = way };
	return ways[way].begin(w, s, port, type);
}

void way_end(struct way_open *w)
{
	static const char *const files[] = { "danted.conf", "danted.pid", "proxychains.conf" };
	char path[128];

	if (w->daemon.pid > 0)
		daemon_stop(&w->daemon);
	program_stop(w->relay); /* danted ends its children then */
	for (size_t i = 0; w->folder[0] && i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", w->folder, files[i]);
		(void)unlink(path);
	}
	if (w->folder[0])
		(void)rmdir(w->folder);
	free(w->program[0]);
	free(w->program[1]);
}

size_t way_prefix(const struct way_open *w, const char **argv)
{
	size_t n = 0;

	if (!ways[w->way].words[0])
		return 0;
	argv[n++] = w->program[ways[w->way].launcher];
	for (const char *const *word = ways[w->way].words; *word; word++)
		argv[n++] = *word;
	if (w->way == WAY_SOCKS)
		argv[n++] = w->config;
	return n;
}
