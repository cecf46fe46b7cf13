/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.c - who runs where, and before whom.
 *
 * Where the scheduler groups processes by session (sched_autogroup), nice values
 * count only within a session, and the idle class too. So all of us are one session,
 * which as a whole comes before others.
 */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CORES = 2 };
static cpu_set_t all, one[CORES];
static pid_t spinners[CORES];

void machine_look(void)
{
	unsigned found = 0;

	CPU_ZERO(&all);
	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		CPU_SET(0, &all);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && found < CORES; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one[found]);
		CPU_SET(cpu, &one[found++]);
	}
	if (found < CORES)
		one[CORE_SERVER] = one[CORE_CLIENT];
}

/* What we can have of it; nothing is not an error. */
static void come_first(void)
{
	int fd;

	(void)setsid();
	(void)setpriority(PRIO_PROCESS, 0, -20);
	fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!write(fd, "-20", 3);
	close(fd);
}

static pid_t session;

/* A terminal's signals reach us, and not the session. */
static void pass_on(int signal)
{
	kill(-session, signal);
}

int machine_run(int (*run)(void *), void *argument)
{
	const struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	int status;

	machine_look();
	if (geteuid() != 0)
		return run(argument);
	session = spawn();
	if (session == 0) {
		come_first();
		exit(run(argument));
	}
	if (session < 0)
		return -1;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while (waitpid(session, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void machine_pin(enum core core)
{
	const cpu_set_t *set = core == CORE_ANY ? &all : &one[core];

	(void)sched_setaffinity(0, sizeof(*set), set);
}

pid_t spawn(void)
{
	const pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

void reap(pid_t pid, int signal)
{
	if (pid <= 0)
		return;
	kill(pid, signal);
	waitpid(pid, NULL, 0);
}

void machine_warm(void)
{
	const struct sched_param none = { 0 };

	for (int i = 0; i < CORES; i++) {
		spinners[i] = spawn();
		if (spinners[i] != 0)
			continue;
		machine_pin((enum core)i);
		if (sched_setscheduler(0, SCHED_IDLE, &none) < 0)
			_exit(1);
		for (;;)
			__asm__ volatile("" ::: "memory");
	}
}

void machine_cool(void)
{
	for (int i = 0; i < CORES; i++)
		reap(spinners[i], SIGKILL);
}

double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}
