/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op.h - one operation of the broker: everything the engine must know of it.
 *
 * An operation is one handler. intent() says what the call asks for, in the
 * words of the policy, and copies what is to be done out of the request into
 * call->state; it touches nothing. attempt() then tries it once, without
 * blocking, and returns what the kernel said:
 *
 *   0               done; the reply is filled in
 *   -EAGAIN, -EINPROGRESS, -EALREADY
 *                   not yet: if the call may wait, the engine parks it until
 *                   the socket is ready, and calls attempt() again. When the
 *                   time is up, finish() may turn what was moved so far into a success.
 *   CALL_OFFLOAD    may block: the engine has a worker call work(), which says the same words
 *                   but touches only the call's own state and the descriptor.
 *   other -errno    failed
 *
 * Handle and timeout are not the operation's business: the engine finds
 * the fields `handle` and `timeout_ns` of the request by their names.
 */
#ifndef SB_OPS_OP_H
#define SB_OPS_OP_H

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "call/call.h"
#include "identity/session.h"
#include "ops/sock.h"
#include "sockbroker/v1/broker.pb-c.h"

enum { CALL_OFFLOAD = 1, AN_ERRAND = 1 << 16 /* none of epoll's */ };

struct op {
	const char *method;      /* as in the service */
	/* EPOLLIN, EPOLLOUT: of its socket; AN_ERRAND: see call/errand.h; or 0: it
	 * never parks. */
	uint32_t waits_for;
	int (*intent)(struct call *);
	int (*attempt)(struct call *);
	int (*work)(struct call *);    /* or NULL */
	/* The time is up, or the call is cancelled: returns 0 if what was done so
	 * far is an answer, else @error. NULL: it never is. */
	int (*finish)(struct call *, int error);
	/* The reply could not be delivered: give back what it took. Or NULL. */
	void (*undo)(struct call *);
};

/* In the order of the service; Session and Transfer are not among them. */
extern const struct op op_table[];
extern const unsigned op_count;

/* How to find the engine's fields in an operation's messages. */
struct op_layout {
	const ProtobufCMessageDescriptor *request, *reply;
	const ProtobufCFieldDescriptor *handle, *timeout; /* NULL: has none */
	uint32_t error_offset;      /* in the reply */
	const ProtobufCFieldDescriptor *in_request; /* in Request's oneof */
	const ProtobufCFieldDescriptor *in_reply;   /* in Reply's oneof */
};
extern struct op_layout op_layouts[];

/* Once, at start. */
void op_table_init(void);
/* It gives back what the limits count, so no limit may refuse it: Close. */
bool op_must_run(const struct op *);
/* Its handle may stand for a file. For the others that is ENOTSOCK. */
bool op_takes_files(const struct op *);
/* "Bind" -> its row, or NULL. */
const struct op *op_find(const char *method, size_t length);
/* The operation of a Request's oneof case, or NULL. */
const struct op *op_find_case(unsigned field_number);
static inline const struct op_layout *op_layout(const struct op *op)
{
	return &op_layouts[op - op_table];
}

/* -1 and errno, the kernel's way, to -errno, ours. */
#define sys_result(expr) ((expr) < 0 ? -errno : 0)

#endif
