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
/* The same after a call that may wait: TimeoutError when the socket's time was up, and
 * what a signal handler raised. */
PyObject *error_wait(const struct sock *);
/* Did such a call, which returned @result, go well? */
bool error_none(ssize_t result);

/* gaierror of an EAI_*, herror of an h_errno. */
PyObject *error_set_gai(int code);
PyObject *error_set_host(int code);

/* Raises sys.audit()'s @event with the arguments of Py_BuildValue()'s @format, a tuple. */
int audit(const char *event, const char *format, ...);

#endif
