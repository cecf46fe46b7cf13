/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

static const char policy[] =
	"version: 1\n"
	"limits: { connections: 8192, sessions: 8192, sockets: 100000, calls: 100000, bytes: 1GiB }\n"
	"rules:\n"
	"  - name: bench\n"
	"    who: { uid: %u }\n"
	"    may: [socket, bind, listen, connect, send]\n"
	"    family: inet\n"
	"    type: [stream, dgram]\n"
	"    protocol: any\n"
	"    to: [127.0.0.0/8]\n"
	"    to_ports: any\n"
	"    from: [127.0.0.0/8]\n"
	"    from_ports: [ephemeral, 1024-65535]\n"
	"  - { name: pairs, who: { uid: %u }, may: socket, family: unix, type: stream }\n"
	"  - name: descriptors\n"
	"    who: { uid: %u }\n"
	"    may: direct\n"
	"    family: inet\n"
	"    type: [stream, dgram]\n"
	"    protocol: any\n"
	"    to: any\n"
	"    to_ports: any\n";

static int make_folder(struct daemon *d)
{
	const unsigned who = geteuid();
	char path[128];
	FILE *out;

	snprintf(d->folder, sizeof(d->folder), "/tmp/sockbroker-bench.XXXXXX");
	if (!mkdtemp(d->folder) || chmod(d->folder, 0755) < 0)
		return fail("mkdtemp");
	snprintf(d->address, sizeof(d->address), "unix:%s/broker.sock", d->folder);
	snprintf(path, sizeof(path), "%s/policy.yaml", d->folder);
	out = fopen(path, "we");
	if (!out)
		return fail(path);
	fprintf(out, policy, who, who, who);
	return fclose(out) == 0 ? 0 : fail(path);
}

/* In the child. */
static void run(const struct daemon *d, const char *program, enum core core, unsigned shards,
		int ready_fd)
{
	char policy_path[128], ready[16], number[16];
	const char *argv[16] = { program, "--listen", d->address, "--policy", policy_path,
				 "--ready-fd", ready, "--log-level", "warning" };
	int n = 9;

	snprintf(policy_path, sizeof(policy_path), "%s/policy.yaml", d->folder);
	snprintf(ready, sizeof(ready), "%d", ready_fd);
	snprintf(number, sizeof(number), "%u", shards);
	if (geteuid() == 0) {
		argv[n++] = "--user";
		argv[n++] = "daemon";
	}
	if (shards) {
		argv[n++] = "--shards";
		argv[n++] = number;
	}
	machine_pin(core);
	fcntl(ready_fd, F_SETFD, 0);
	execv(program, (char *const *)(uintptr_t)argv);
	(void)fail(program);
	_exit(127);
}

int daemon_start(struct daemon *d, const struct settings *s, enum core core, unsigned shards)
{
	struct pollfd p = { .events = POLLIN };
	int ready[2];
	char byte;

	*d = (struct daemon){ .pid = -1 };
	if (make_folder(d) < 0)
		return -1;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return fail("pipe2");
	d->pid = spawn();
	if (d->pid == 0)
		run(d, s->daemon, core, shards, ready[1]);
	close(ready[1]);
	p.fd = ready[0];
	if (poll(&p, 1, PATIENCE_MS) != 1 || read(ready[0], &byte, 1) != 1) {
		close(ready[0]);
		daemon_stop(d);
		return fail_with(s->daemon, "it did not start");
	}
	close(ready[0]);
	return 0;
}

void daemon_stop(struct daemon *d)
{
	static const char *const files[] = { "broker.sock", "policy.yaml" };
	char path[128];

	reap(d->pid, SIGKILL);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", d->folder, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(d->folder);
}

double daemon_resident_kib(const struct daemon *d)
{
	char path[64], line[256];
	double kib = -1;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)d->pid);
	in = fopen(path, "re");
	if (!in)
		return fail(path);
	while (fgets(line, sizeof(line), in))
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtod(line + 6, NULL);
	fclose(in);
	return kib;
}

int allow_descriptors(unsigned long n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fail("getrlimit");
	if (limit.rlim_max < n)
		limit.rlim_max = n; /* some may */
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? fail("too few descriptors are allowed") : 0;
}
