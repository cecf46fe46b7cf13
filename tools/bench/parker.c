/* SPDX-License-Identifier: Apache-2.0 */
#include "parker.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "raw.h"
#include "sockbroker-admin.h"
#include "sockbroker.h"

enum { STACK_BYTES = 128 << 10, PATIENCE_US = 60000000 };
enum { EACH = PARKED / PARKERS, SOCKETS = EACH / 2 };

static void *wait_for_data(void *fd)
{
	char byte;

	(void)sb_recv((int)(intptr_t)fd, &byte, 1, 0);
	return NULL;
}

static int make_sockets(int fds[SOCKETS], unsigned n_idle)
{
	for (unsigned i = 0; i < SOCKETS + n_idle; i++) {
		const int fd = sb_socket(AF_INET, SOCK_DGRAM, 0);

		if (fd < 0)
			return fail_with("sb_socket", sb_error_message());
		if (i < SOCKETS)
			fds[i] = fd;
	}
	return 0;
}

static int start_threads(const int fds[SOCKETS])
{
	pthread_attr_t attr;
	pthread_t thread;
	int r = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (unsigned i = 0; i < EACH && r == 0; i++)
		r = pthread_create(&thread, &attr, wait_for_data, (void *)(intptr_t)fds[i % SOCKETS]);
	return r ? fail_with("pthread_create", strerror(r)) : 0;
}

/* Of our own session. */
static uint32_t calls_in_flight(void)
{
	struct sb_admin_session *sessions;
	uint32_t calls = 0;
	size_t n;

	if (sb_admin_sessions(NULL, &sessions, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (sessions[i].owner.pid == getpid())
			calls = sessions[i].calls;
	sb_admin_free_sessions(sessions);
	return calls;
}

static int await_parked(void)
{
	const double until = now_us() + PATIENCE_US;

	while (calls_in_flight() < EACH) {
		if (now_us() > until)
			return fail_with("parking receives", "the broker does not have them all");
		usleep(20000);
	}
	return 0;
}

static void park(int control, unsigned n_idle)
{
	static int fds[SOCKETS];
	char byte;

	if (allow_descriptors(2UL * (SOCKETS + n_idle) + 100) < 0 || make_sockets(fds, n_idle) < 0 ||
	    !write_all(control, "s", 1) || !read_all(control, &byte, 1))
		return;
	if (start_threads(fds) == 0 && await_parked() == 0)
		(void)(write_all(control, "p", 1) && read_all(control, &byte, 1));
}

static int start_one(struct parkers *p, int i, const struct daemon *d, unsigned n_idle)
{
	int pair[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fail("socketpair");
	p->pid[i] = spawn();
	if (p->pid[i] == 0) {
		close(pair[0]);
		machine_pin(CORE_CLIENT);
		setenv("SOCKBROKER_ADDRESS", d->address, 1);
		park(pair[1], n_idle);
		_exit(0);
	}
	close(pair[1]);
	p->control[i] = pair[0];
	return p->pid[i] > 0 && read_all(p->control[i], &byte, 1) ? 0 : -1;
}

int parkers_start(struct parkers *p, const struct daemon *d, unsigned n_idle)
{
	*p = (struct parkers){ .pid = { 0 } };
	for (int i = 0; i < PARKERS; i++) {
		progress(NULL, (unsigned)i + 1, PARKERS);
		if (start_one(p, i, d, n_idle / PARKERS) < 0)
			return -1;
	}
	return 0;
}

int parkers_park(struct parkers *p)
{
	char byte;

	for (int i = 0; i < PARKERS; i++)
		if (!write_all(p->control[i], "p", 1) || !read_all(p->control[i], &byte, 1))
			return -1;
	return 0;
}

void parkers_stop(struct parkers *p)
{
	for (int i = 0; i < PARKERS; i++) {
		if (p->pid[i] <= 0)
			continue;
		close(p->control[i]);
		reap(p->pid[i], SIGKILL);
	}
}
