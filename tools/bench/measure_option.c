/* SPDX-License-Identifier: Apache-2.0 */
/* measure_option.c - small operations: one after the other, and many at once. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "raw.h"
#include "sockbroker.h"

/* What a GetOption request and its reply are on the wire, framing and all: about
 * 40 bytes each; 64 is what a small operation is at most. */
enum { PING_BYTES = 64, ROUND_TRIPS = 5000, WARM_UP = 500, THREADS = 64 };

struct rig {
	struct raw raw;
	struct daemon daemon;
	sb_broker *stream, *unary;
	int fd, unary_fd;
};

static bool option_get(int fd)
{
	int value;
	socklen_t n = sizeof(value);

	return sb_getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &n) == 0;
}

static int rig_open(struct rig *r, const struct settings *s)
{
	r->stream = r->unary = NULL;
	r->fd = r->unary_fd = -1;
	if (raw_open(&r->raw, PING_BYTES) < 0)
		return -1;
	if (daemon_start(&r->daemon, s, CORE_SERVER, 0) < 0)
		return -1;
	machine_pin(CORE_CLIENT);
	r->stream = sb_connect_broker(r->daemon.address, SB_TRANSPORT_STREAM);
	r->unary = sb_connect_broker(r->daemon.address, SB_TRANSPORT_UNARY);
	if (!r->stream || !r->unary)
		return fail_with("sb_connect_broker", sb_error_message());
	r->fd = sb_socket_at(r->stream, AF_INET, SOCK_DGRAM, 0);
	r->unary_fd = sb_socket_at(r->unary, AF_INET, SOCK_DGRAM, 0);
	if (r->fd < 0 || r->unary_fd < 0)
		return fail_with("sb_socket", sb_error_message());
	for (int i = 0; i < WARM_UP; i++)
		if (!raw_once(&r->raw) || !option_get(r->fd) || !option_get(r->unary_fd))
			return fail_with("sb_getsockopt", sb_error_message());
	return 0;
}

static void rig_close(struct rig *r)
{
	if (r->fd >= 0)
		sb_close(r->fd);
	if (r->unary_fd >= 0)
		sb_close(r->unary_fd);
	sb_disconnect_broker(r->stream);
	sb_disconnect_broker(r->unary);
	daemon_stop(&r->daemon);
	raw_close(&r->raw);
}

static int run_rig(const struct settings *s, side_fn baseline, side_fn value, struct figures *ret)
{
	struct rig rig;
	int r = rig_open(&rig, s);

	if (r == 0)
		r = rounds_run(s, baseline, value, &rig, ret);
	rig_close(&rig);
	return r;
}

/* ---- one after the other ------------------------------------------------------- */

static bool stream_once(void *rig)
{
	return option_get(((struct rig *)rig)->fd);
}

static bool unary_once(void *rig)
{
	return option_get(((struct rig *)rig)->unary_fd);
}

static double raw_us(void *rig)
{
	return middle_us(raw_once, &((struct rig *)rig)->raw, ROUND_TRIPS);
}

static double stream_us(void *rig)
{
	return middle_us(stream_once, rig, ROUND_TRIPS);
}

static double unary_us(void *rig)
{
	return middle_us(unary_once, rig, ROUND_TRIPS);
}

int measure_getsockopt_stream(const struct settings *s, struct figures *ret)
{
	return run_rig(s, raw_us, stream_us, ret);
}

int measure_getsockopt_unary(const struct settings *s, struct figures *ret)
{
	return run_rig(s, raw_us, unary_us, ret);
}

/* ---- many at once -------------------------------------------------------------- */

struct crowd {
	int fd;
	atomic_bool go, stop, failed;
	atomic_ulong done;
};

static void *crowd_member(void *arg)
{
	struct crowd *c = arg;
	unsigned long n = 0;

	while (!atomic_load(&c->go))
		sched_yield();
	for (; !atomic_load_explicit(&c->stop, memory_order_relaxed); n++)
		if (!option_get(c->fd))
			atomic_store(&c->failed, true);
	atomic_fetch_add(&c->done, n);
	return NULL;
}

static double threads_per_second(void *rig)
{
	struct crowd c = { .fd = ((struct rig *)rig)->fd };
	pthread_t threads[THREADS];
	unsigned n = 0;
	double start;

	while (n < THREADS && pthread_create(&threads[n], NULL, crowd_member, &c) == 0)
		n++;
	start = now_us();
	atomic_store(&c.go, true);
	usleep(400000);
	atomic_store(&c.stop, true);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	if (n < THREADS || atomic_load(&c.failed))
		return fail_with("sb_getsockopt by 64 threads", "some failed");
	return (double)atomic_load(&c.done) * 1e6 / (now_us() - start);
}

static double unary_per_second(void *rig)
{
	const double start = now_us();

	for (int i = 0; i < ROUND_TRIPS; i++)
		if (!unary_once(rig))
			return fail_with("sb_getsockopt", sb_error_message());
	return ROUND_TRIPS * 1e6 / (now_us() - start);
}

int measure_small_operations(const struct settings *s, struct figures *ret)
{
	return run_rig(s, unary_per_second, threads_per_second, ret);
}
