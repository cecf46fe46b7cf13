/* SPDX-License-Identifier: Apache-2.0 */
#include "buffers.h"

#include <limits.h>

static int buffers_make(struct buffers *b, PyObject *list, const char *format)
{
	const Py_ssize_t n = PyList_Size(list);

	b->views = PyMem_Calloc((size_t)n + 1, sizeof(*b->views));
	b->iov = PyMem_Calloc((size_t)n + 1, sizeof(*b->iov));
	if (!b->views || !b->iov) {
		PyErr_NoMemory();
		return -1;
	}
	for (; b->n < n; b->n++) {
		if (!PyArg_Parse(PyList_GetItem(list, b->n), format, &b->views[b->n]))
			return -1;
		b->iov[b->n].iov_base = b->views[b->n].buf;
		b->iov[b->n].iov_len = (size_t)b->views[b->n].len;
	}
	return 0;
}

int buffers_take(struct buffers *b, PyObject *iterable, const char *format, const char *words)
{
	PyObject *list = PySequence_List(iterable);
	int r = -1;

	*b = (struct buffers){ .n = 0 };
	if (list && PyList_Size(list) > INT_MAX)
		PyErr_Format(PyExc_OSError, "%s is too long", words);
	else if (list)
		r = buffers_make(b, list, format);
	else if (PyErr_ExceptionMatches(PyExc_TypeError))
		PyErr_Format(PyExc_TypeError, "%s must be an iterable", words);
	Py_XDECREF(list);
	return r;
}

void buffers_release(struct buffers *b)
{
	for (Py_ssize_t i = 0; i < b->n; i++)
		PyBuffer_Release(&b->views[i]);
	PyMem_Free(b->views);
	PyMem_Free(b->iov);
	*b = (struct buffers){ .n = 0 };
}
