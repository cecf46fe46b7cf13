/* SPDX-License-Identifier: Apache-2.0 */
#include "interrupt.h"

#include <errno.h>
#include <time.h>

#include "deadline.h"
#include "sockbroker.h"

_Atomic(int (*)(void)) interrupt_check;

static _Thread_local bool came;

void sb_set_interrupt_check(int (*check)(void))
{
	atomic_store_explicit(&interrupt_check, check, memory_order_release);
}

static int64_t after_a_period(void)
{
	return now_ns() + (int64_t)INTERRUPT_PERIOD_MS * NS_PER_MS;
}

static int64_t next_question(void)
{
	return interrupt_may_come() ? after_a_period() : -1;
}

void patience_begin(struct patience *p, int64_t give_up_ns)
{
	p->give_up_ns = give_up_ns;
	p->ask_ns = next_question();
}

int64_t patience_next(const struct patience *p)
{
	if (p->ask_ns < 0 || (p->give_up_ns >= 0 && p->give_up_ns < p->ask_ns))
		return p->give_up_ns;
	return p->ask_ns;
}

enum patience_end patience_look(const struct patience *p)
{
	int64_t now;

	if (p->give_up_ns < 0 && p->ask_ns < 0)
		return PATIENCE_HOLDS;
	now = now_ns();
	if (p->give_up_ns >= 0 && now >= p->give_up_ns)
		return PATIENCE_OVER;
	return p->ask_ns >= 0 && now >= p->ask_ns ? PATIENCE_TO_ASK : PATIENCE_HOLDS;
}

static int poll_until(int64_t until, struct pollfd *fds, nfds_t n)
{
	const int64_t wait_ns = deadline_left(until);
	const struct timespec limit = { .tv_sec = (time_t)(wait_ns / NS_PER_S),
					.tv_nsec = (long)(wait_ns % NS_PER_S) };
	const int r = ppoll(fds, n, until < 0 ? NULL : &limit, NULL);

	return r < 0 && errno != EINTR ? -errno : r < 0 ? 0 : r;
}

int patience_poll(struct patience *p, struct pollfd *fds, nfds_t n)
{
	for (;;) {
		const int r = poll_until(patience_next(p), fds, n);

		if (r != 0 || patience_look(p) == PATIENCE_OVER)
			return r;
		if (patience_look(p) == PATIENCE_TO_ASK && patience_ask(p))
			return -EINTR;
	}
}

bool patience_ask(struct patience *p)
{
	int (*check)(void) = atomic_load_explicit(&interrupt_check, memory_order_acquire);
	const bool wanted = check && check() != 0;

	if (wanted)
		came = true;
	p->ask_ns = next_question();
	return wanted;
}

void patience_ask_no_more(struct patience *p)
{
	p->ask_ns = -1;
}

void patience_put_off(struct patience *p)
{
	p->ask_ns = after_a_period();
}

void interrupt_forget(void)
{
	if (interrupt_may_come())
		came = false;
}

bool interrupt_came(void)
{
	return interrupt_may_come() && came;
}
