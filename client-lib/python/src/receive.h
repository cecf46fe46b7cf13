/* SPDX-License-Identifier: Apache-2.0 */
/* receive.h - what the methods that move data share. GIL held. */
#ifndef SB_PYTHON_RECEIVE_H
#define SB_PYTHON_RECEIVE_H

#include "python.h"

struct sock;

/* Flags for a call that may wait, after mode_follow(). In timeout mode it does, whatever MSG_DONTWAIT
 * says. */
int call_flags(struct sock *, int flags);

/* The first @len bytes; takes @bytes. */
PyObject *bytes_cut(PyObject *bytes, Py_ssize_t len);

#endif
