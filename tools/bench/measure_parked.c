/* SPDX-License-Identifier: Apache-2.0 */
/* measure_parked.c - what calls that wait, and sockets that do nothing, cost others. */
#include "bench.h"

#include <sys/socket.h>

#include "parker.h"
#include "sockbroker.h"

enum { ROUND_TRIPS = 3000, IDLE = 10000 };

struct lane {
	struct daemon daemon;
	int fd;
};

struct rig {
	struct lane empty, full;
	struct parkers parkers;
};

static bool option_get(void *lane)
{
	int value;
	socklen_t n = sizeof(value);

	return sb_getsockopt(((struct lane *)lane)->fd, SOL_SOCKET, SO_RCVBUF, &value, &n) == 0;
}

static double empty_us(void *rig)
{
	return middle_us(option_get, &((struct rig *)rig)->empty, ROUND_TRIPS);
}

static double full_us(void *rig)
{
	return middle_us(option_get, &((struct rig *)rig)->full, ROUND_TRIPS);
}

static int lane_open(struct lane *l)
{
	sb_broker *b = sb_connect_broker(l->daemon.address, SB_TRANSPORT_STREAM);

	l->fd = b ? sb_socket_at(b, AF_INET, SOCK_DGRAM, 0) : -1;
	return l->fd < 0 ? fail_with("sb_socket", sb_error_message()) : 0;
}

/* One shard, so that all are on the one that we measure. */
static int rig_open(struct rig *r, const struct settings *s)
{
	if (allow_descriptors(PARKED + IDLE) < 0)
		return -1;
	if (daemon_start(&r->empty.daemon, s, CORE_SERVER, 1) < 0 ||
	    daemon_start(&r->full.daemon, s, CORE_SERVER, 1) < 0)
		return -1;
	if (parkers_start(&r->parkers, &r->full.daemon, IDLE) < 0 || parkers_park(&r->parkers) < 0)
		return -1;
	machine_pin(CORE_CLIENT);
	return lane_open(&r->empty) < 0 || lane_open(&r->full) < 0 ? -1 : 0;
}

static void rig_close(struct rig *r)
{
	parkers_stop(&r->parkers);
	daemon_stop(&r->empty.daemon);
	daemon_stop(&r->full.daemon);
}

int measure_parked_round_trip(const struct settings *s, struct figures *ret)
{
	struct rig rig = { .parkers = { .pid = { 0 } } };
	int r = rig_open(&rig, s);

	if (r == 0)
		r = rounds_run(s, empty_us, full_us, &rig, ret);
	rig_close(&rig);
	return r;
}

int measure_parked_memory(const struct settings *s, struct figures *ret)
{
	struct parkers p;
	double before = -1, after = -1;
	struct daemon d;

	if (allow_descriptors(PARKED) < 0)
		return -1;
	if (daemon_start(&d, s, CORE_ANY, 1) < 0)
		return -1;
	if (parkers_start(&p, &d, 0) == 0)
		before = daemon_resident_kib(&d);
	if (before > 0 && parkers_park(&p) == 0)
		after = daemon_resident_kib(&d);
	parkers_stop(&p);
	daemon_stop(&d);
	ret->value = (after - before) / PARKED;
	return before < 0 || after < 0 ? -1 : 0;
}
