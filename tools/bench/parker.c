/* SPDX-License-Identifier: Apache-2.0 */
#include "parker.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "raw.h"
#include "sockbroker-admin.h"
#include "sockbroker.h"

enum { STACK_BYTES = 128 << 10, PATIENCE_US = 60000000 };

static void *wait_for_data(void *fd)
{
	char byte;

	(void)sb_recv((int)(intptr_t)fd, &byte, 1, 0);
	return NULL;
}

static int make_sockets(int fds[PARKED], unsigned n_idle)
{
	for (unsigned i = 0; i < PARKED + n_idle; i++) {
		const int fd = sb_socket(AF_INET, SOCK_DGRAM, 0);

		if (fd < 0)
			return fail_with("sb_socket", sb_error_message());
		if (i < PARKED)
			fds[i] = fd;
	}
	return 0;
}

static int start_threads(const int fds[PARKED])
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (unsigned i = 0; i < PARKED; i++)
		if (pthread_create(&thread, &attr, wait_for_data, (void *)(intptr_t)fds[i]) != 0)
			return fail("pthread_create");
	return 0;
}

static uint32_t calls_in_flight(void)
{
	struct sb_admin_session *sessions;
	uint32_t most = 0;
	size_t n;

	if (sb_admin_sessions(NULL, &sessions, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		most = sessions[i].calls > most ? sessions[i].calls : most;
	sb_admin_free_sessions(sessions);
	return most;
}

static int await_parked(void)
{
	const double until = now_us() + PATIENCE_US;

	while (calls_in_flight() < PARKED) {
		if (now_us() > until)
			return fail_with("parking receives", "the broker does not have them all");
		usleep(20000);
	}
	return 0;
}

static void park(int control, unsigned n_idle)
{
	static int fds[PARKED];
	char byte;

	if (allow_descriptors(4UL * PARKED + 2UL * n_idle) < 0 || make_sockets(fds, n_idle) < 0 ||
	    !write_all(control, "s", 1) || !read_all(control, &byte, 1))
		return;
	if (start_threads(fds) == 0 && await_parked() == 0)
		(void)(write_all(control, "p", 1) && read_all(control, &byte, 1));
}

int parker_start(struct parker *p, const struct daemon *d, unsigned n_idle)
{
	int pair[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fail("socketpair");
	p->pid = spawn();
	if (p->pid == 0) {
		close(pair[0]);
		machine_pin(CORE_CLIENT);
		setenv("SOCKBROKER_ADDRESS", d->address, 1);
		park(pair[1], n_idle);
		_exit(0);
	}
	close(pair[1]);
	p->control = pair[0];
	return p->pid > 0 && read_all(p->control, &byte, 1) ? 0 : -1;
}

int parker_park(struct parker *p)
{
	char byte;

	return write_all(p->control, "p", 1) && read_all(p->control, &byte, 1) ? 0 : -1;
}

void parker_stop(struct parker *p)
{
	close(p->control);
	reap(p->pid, SIGKILL);
}
