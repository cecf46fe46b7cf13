/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupt.c - Python's signal handlers are functions of Python, run by its main thread when it
 * gets to it (PEP 475): so that thread must get to it while it waits in the library. A handler that
 * raises ends the call; after one that doesn't it goes on waiting, with the time it has left.
 */
#include "python.h"

#include "interrupt.h"

#include <unistd.h>

#include "sockbroker.h"

/* On a thread that waits, without the GIL. The exception stays for who takes the call's result. */
static int signals_raise(void)
{
	PyGILState_STATE state;
	int raised;

	if (gettid() != getpid())
		return 0;
	state = PyGILState_Ensure();
	raised = PyErr_Occurred() || PyErr_CheckSignals() < 0;
	PyGILState_Release(state);
	return raised;
}

void interrupt_begin(void)
{
	sb_set_interrupt_check(signals_raise);
}
