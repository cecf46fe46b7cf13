/* SPDX-License-Identifier: Apache-2.0 */
/* receive.h - what the receiving methods share. GIL held. */
#ifndef SB_PYTHON_RECEIVE_H
#define SB_PYTHON_RECEIVE_H

#include "python.h"

struct sock;

/* Flags for the library. In timeout mode a call waits, whatever MSG_DONTWAIT says. */
int receive_flags(const struct sock *, int flags);

/* The first @len bytes; takes @bytes. */
PyObject *bytes_cut(PyObject *bytes, Py_ssize_t len);

#endif
