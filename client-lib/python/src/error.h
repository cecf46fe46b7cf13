/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - exceptions: the standard module's own. GIL held; all return NULL. */
#ifndef SB_PYTHON_ERROR_H
#define SB_PYTHON_ERROR_H

#include "python.h"

#include <stdbool.h>
#include <sys/types.h>

struct sock;

/* socket.gaierror and socket.herror, taken from _socket. */
extern PyObject *error_gai, *error_host;

/* OSError of errno, after an sb_ call that failed in this thread. It says what the library
 * says of it, where that is more than errno's name. */
PyObject *error_set(void);
/* Did a call that let go of the GIL, and returned @result, go well? Not if a signal handler
 * raised meanwhile. */
bool error_none(ssize_t result);
/* If not: what the handler raised, or OSError. */
PyObject *error_call(void);
/* The same where a socket's time may be up: TimeoutError. */
PyObject *error_wait(const struct sock *);

/* gaierror of an EAI_*, herror of an h_errno. */
PyObject *error_set_gai(int code);
PyObject *error_set_host(int code);

/* Raises sys.audit()'s @event with the arguments of Py_BuildValue()'s @format, a tuple. */
int audit(const char *event, const char *format, ...);

#endif
