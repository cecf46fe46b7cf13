/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - what a measure is.
 *
 * Each runs in a process of its own with daemons of its own, so that none has
 * another's leavings to bear, and a fork(2) comes before the client library's
 * first use.
 */
#ifndef SB_BENCH_H
#define SB_BENCH_H

#include <stdbool.h>
#include <stddef.h>

enum direction {
	RATIO_AT_MOST,  /* value : baseline */
	RATIO_AT_LEAST,
	VALUE_AT_MOST,  /* the value itself; a baseline only stands beside it */
	NO_TARGET,      /* it is for comparison */
};

/* How a program's socket comes to its other end. */
enum way {
	WAY_NATIVE,
	WAY_THREAD,   /* natively, in a process that has a second thread */
	WAY_DETACHED, /* libsockbroker names the socket, sb_detach() makes it a real one */
	WAY_DIRECT,   /* libsockbroker with SOCKBROKER_DIRECT=1 */
	WAY_RUN,      /* sockbroker run */
	WAY_RUN_ALL,  /* sockbroker run --all */
	WAY_SOCAT,    /* a relay */
	WAY_SOCKS,    /* danted and proxychains4 */
};

struct measure;
struct settings {
	const char *daemon;   /* the program */
	const char *launcher; /* the program, or NULL: it was not found */
	unsigned rounds;
	const struct measure *measure; /* that runs */
};

struct figures {
	double value;
	double baseline; /* 0: there is none */
};

struct measure {
	const char *name;
	const char *unit;
	const char *baseline; /* in words */
	double target;
	enum direction direction;
	int (*run)(const struct settings *, struct figures *ret);
	const char *what;
	/* Of measures that compare ways: */
	int work; /* enum work */
	enum way way, against;
};

/* What a measure returns, beside 0 and -1. */
enum { SKIPPED = 1 };

extern const struct measure measures[];
extern const size_t n_measures;

int measure_getsockopt_stream(const struct settings *, struct figures *);
int measure_getsockopt_unary(const struct settings *, struct figures *);
int measure_small_operations(const struct settings *, struct figures *);
int measure_udp_many(const struct settings *, struct figures *);
int measure_tcp_bulk(const struct settings *, struct figures *);
int measure_tcp_up(const struct settings *, struct figures *);
int measure_tcp_down(const struct settings *, struct figures *);
int measure_parked_round_trip(const struct settings *, struct figures *);
int measure_parked_memory(const struct settings *, struct figures *);
int measure_idle_memory(const struct settings *, struct figures *);
int measure_python_kernel(const struct settings *, struct figures *);
int measure_python_unary(const struct settings *, struct figures *);
int measure_way(const struct settings *, struct figures *);
int measure_way_socket(const struct settings *, struct figures *);
int measure_redis(const struct settings *, struct figures *);

/* rounds.c: one round of each side in turn, first the baseline; medians. A side
 * returns its figure, or a negative number: it failed, and said so. Returns 0 or -1. */
typedef double (*side_fn)(void *state);
int rounds_run(const struct settings *, side_fn baseline, side_fn value, void *state,
	       struct figures *ret);
double median(double *values, size_t n);
/* The middle one of @n times, one for each of as many calls of @once, in µs. */
double middle_us(bool (*once)(void *), void *state, size_t n);

/* Says on stderr what failed, with errno's word. Returns -1. */
int fail(const char *what);
int fail_with(const char *what, const char *why);
/* Says on stderr what is not there. Returns SKIPPED. */
int skip(const char *what, const char *why);
/* On stderr, if that is a terminal; NULL wipes it. */
void progress(const char *name, unsigned round, unsigned rounds);

#endif
