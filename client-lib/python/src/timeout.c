/* SPDX-License-Identifier: Apache-2.0 */
/* timeout.c - seconds, as a float, an int or None; in C nanoseconds. */
#include "object.h"

#include <math.h>

int64_t timeout_default_ns = -1;

enum { NS_PER_S = 1000000000 };

static int too_large(void)
{
	PyErr_SetString(PyExc_OverflowError, "timestamp too large to convert to C _PyTime_t");
	return -1;
}

/* Away from zero, so that a short time is not none. */
static int float_parse(double seconds, int64_t *ret_ns)
{
	double ns = seconds * NS_PER_S;

	if (isnan(seconds)) {
		PyErr_SetString(PyExc_ValueError, "Invalid value NaN (not a number)");
		return -1;
	}
	ns = ns < 0 ? floor(ns) : ceil(ns);
	if (ns <= -0x1p63 || ns >= 0x1p63)
		return too_large();
	*ret_ns = (int64_t)ns;
	return 0;
}

static int int_parse(PyObject *value, int64_t *ret_ns)
{
	const long long seconds = PyLong_AsLongLong(value);

	if (seconds == -1 && PyErr_Occurred())
		return PyErr_ExceptionMatches(PyExc_OverflowError) ? too_large() : -1;
	if (__builtin_mul_overflow(seconds, (long long)NS_PER_S, ret_ns))
		return too_large();
	return 0;
}

int timeout_parse(PyObject *value, int64_t *ret_ns)
{
	int64_t ns;
	int r;

	if (Py_IsNone(value)) {
		*ret_ns = -1;
		return 0;
	}
	r = PyFloat_Check(value) ? float_parse(PyFloat_AsDouble(value), &ns) : int_parse(value, &ns);
	if (r < 0)
		return -1;
	if (ns < 0) {
		PyErr_SetString(PyExc_ValueError, "Timeout value out of range");
		return -1;
	}
	*ret_ns = ns;
	return 0;
}

PyObject *timeout_build(int64_t ns)
{
	if (ns < 0)
		Py_RETURN_NONE;
	return PyFloat_FromDouble((double)ns / NS_PER_S);
}
