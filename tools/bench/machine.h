/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h - processors and time.
 *
 * A core that halts takes longer to wake than all that we measure, so each is
 * kept warm by a process of the idle class, which gives way to everybody.
 */
#ifndef SB_BENCH_MACHINE_H
#define SB_BENCH_MACHINE_H

#include <sys/types.h>

/* Where who runs, for latency: the client on one core, what answers on another. */
enum core { CORE_CLIENT, CORE_SERVER, CORE_ANY };

/* Looks for two processors. */
void machine_look(void);
/* The same. As root it also puts us before everybody else, in a
 * session of our own: @run is done in a child then. Returns what @run did. */
int machine_run(int (*run)(void *), void *argument);
void machine_warm(void);
void machine_cool(void);
/* The calling thread, and those and the processes it makes from then on. */
void machine_pin(enum core);

/* A child of ours that ends with us. As fork(2). */
pid_t spawn(void);
/* Ends a child, and waits for it. Ignores pids that are none. */
void reap(pid_t, int signal);

double now_us(void);

#endif
