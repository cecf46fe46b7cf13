/* SPDX-License-Identifier: Apache-2.0 */
/* measures.c - what is measured, against what, and how good it is to be. */
#include "bench.h"

const struct measure measures[] = {
	{ "getsockopt-stream", "us", "raw AF_UNIX ping-pong", 1.6, RATIO_AT_MOST,
	  measure_getsockopt_stream, "round trip of sb_getsockopt() on the session stream" },
	{ "getsockopt-unary", "us", "raw AF_UNIX ping-pong", 2.8, RATIO_AT_MOST,
	  measure_getsockopt_unary, "round trip of sb_getsockopt() as a unary RPC" },
	{ "small-operations", "op/s", "unary, one thread", 10, RATIO_AT_LEAST,
	  measure_small_operations, "sb_getsockopt() by 64 threads on one session stream" },
	{ "udp-many", "datagrams/s", "direct", 0.5, RATIO_AT_LEAST,
	  measure_udp_many, "64 datagrams of 64 bytes a call, sb_sendmmsg() to sb_recvmmsg()" },
	{ "tcp-bulk", "MB/s", "direct", 0.45, RATIO_AT_LEAST,
	  measure_tcp_bulk, "TCP over loopback, calls of 1 MiB, the slower direction" },
	{ "tcp-bulk-up", "MB/s", "direct", 0.45, RATIO_AT_LEAST,
	  measure_tcp_up, "the same: sb_send() to a plain receiver" },
	{ "tcp-bulk-down", "MB/s", "direct", 0.45, RATIO_AT_LEAST,
	  measure_tcp_down, "the same: a plain sender to sb_recv()" },
	{ "parked-10000", "us", "the same with none", 1.2, RATIO_AT_MOST,
	  measure_parked_round_trip, "round trip beside 10000 parked receives and 10000 idle sockets" },
	{ "parked-memory", "KiB", NULL, 2, VALUE_AT_MOST,
	  measure_parked_memory, "the broker's memory for a receive parked on the stream" },
	{ "idle-connection-memory", "KiB", "gRPC's own share", 48, VALUE_AT_MOST,
	  measure_idle_memory, "the broker's memory for an idle connection with its session" },
#ifdef SB_BENCH_PYTHON /* which the module was built for */
	{ "python-kernel", "us", "Python's own module", 60, RATIO_AT_MOST,
	  measure_python_kernel, "Python's send() and recv() of 64 bytes, by sockbroker.socket" },
	{ "python-stubs", "us", "stubs, unary", 0.4, RATIO_AT_MOST,
	  measure_python_unary, "the same, beside stubs generated from the .proto files" },
#endif
};
const size_t n_measures = sizeof(measures) / sizeof(measures[0]);
