/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupt.h - a program's say in how long its threads wait: the check of
 * sb_set_interrupt_check(). Safe from any thread.
 */
#ifndef SB_INTERRUPT_H
#define SB_INTERRUPT_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INTERRUPT_PERIOD_MS = 50 };

extern _Atomic(int (*)(void)) interrupt_check; /* NULL: none is set */

static inline bool interrupt_may_come(void)
{
	return atomic_load_explicit(&interrupt_check, memory_order_acquire) != NULL;
}

/* How long a thread waits. Times are as now_ns(); negative: never. */
struct patience {
	int64_t give_up_ns; /* the wait is over */
	int64_t ask_ns;     /* the program is to be asked */
};

enum patience_end { PATIENCE_HOLDS, PATIENCE_TO_ASK, PATIENCE_OVER };

/* For a wait that begins now. @give_up_ns: negative, or when it is to end. */
void patience_begin(struct patience *, int64_t give_up_ns);
/* When to look at it next; negative: never. */
int64_t patience_next(const struct patience *);
enum patience_end patience_look(const struct patience *);

/* poll(2) under it; a signal does not end it. Returns how many are ready, 0: it is over, -EINTR: the
 * program wants the call to end, -errno. */
int patience_poll(struct patience *, struct pollfd *, nfds_t n);

/* No lock of ours may be held: the program may call us from its check. Returns whether
 * it wants the call to end; if not, the patience is as new. */
bool patience_ask(struct patience *);
/* Never ask again; or, whatever was answered, not before another period is over. */
void patience_ask_no_more(struct patience *);
void patience_put_off(struct patience *);

/* Has patience_ask() been true in this thread since interrupt_forget()? For calls that
 * take several requests: what was done by then is what they return. */
void interrupt_forget(void);
bool interrupt_came(void);

#endif
