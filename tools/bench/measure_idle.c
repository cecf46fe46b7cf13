/* SPDX-License-Identifier: Apache-2.0 */
/* measure_idle.c - what the broker holds for clients that do nothing. */
#include "bench.h"

#include "daemon.h"
#include "sockbroker.h"

enum { CONNECTIONS = 1000, FIRST = 50 };

/* Measured: 1000 idle connections to a server of gRPC's alone, each a grpc_server
 * of its own with unregistered methods. */
static const double GRPC_SHARE_KIB = 27.7;

static int connect_many(const struct daemon *d, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		progress(NULL, i + 1, n);
		if (!sb_connect_broker(d->address, SB_TRANSPORT_STREAM))
			return fail_with("sb_connect_broker", sb_error_message());
	}
	return 0;
}

int measure_idle_memory(const struct settings *s, struct figures *ret)
{
	struct daemon d;
	double before = -1, after = -1;
	int r;

	if (allow_descriptors(8UL * CONNECTIONS) < 0)
		return -1;
	r = daemon_start(&d, s, CORE_ANY, 0);
	if (r < 0)
		return r;
	/* The first few pay for what is made once. */
	r = connect_many(&d, FIRST);
	if (r == 0)
		before = daemon_resident_kib(&d);
	if (r == 0)
		r = connect_many(&d, CONNECTIONS);
	if (r == 0)
		after = daemon_resident_kib(&d);
	daemon_stop(&d);
	ret->baseline = GRPC_SHARE_KIB;
	ret->value = (after - before) / CONNECTIONS;
	return before < 0 || after < 0 ? -1 : 0;
}
