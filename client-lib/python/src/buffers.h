/* SPDX-License-Identifier: Apache-2.0 */
/* buffers.h - an iterable of buffers as an array of iovec. GIL held. */
#ifndef SB_PYTHON_BUFFERS_H
#define SB_PYTHON_BUFFERS_H

#include "python.h"

#include <sys/uio.h>

struct buffers {
	Py_ssize_t n;
	Py_buffer *views;
	struct iovec *iov;
};

/* @format is PyArg_Parse()'s for each of them, @words what is said of what is no iterable. Ended by
 * buffers_release(), on failure too. Returns 0, or -1 and an exception. */
int buffers_take(struct buffers *, PyObject *iterable, const char *format, const char *words);
void buffers_release(struct buffers *);

#endif
