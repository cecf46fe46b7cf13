/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <string.h>

#include "object.h"
#include "sockbroker.h"

PyObject *error_gai, *error_host;

/* "sb_bind: Permission denied: the policy …" without the call; NULL where the library knows
 * nothing but the name of the error. EBADF is a closed socket: everybody knows. */
static const char *explanation(int error)
{
	const char *said = strstr(sb_error_message(), ": "), *name = strerror(error);

	if (!said || error == EBADF || error == EAGAIN || error == EINPROGRESS)
		return NULL;
	said += 2;
	if (strncmp(said, name, strlen(name)) != 0 || said[strlen(name)] != ':')
		return NULL;
	return said;
}

PyObject *error_set(void)
{
	const int error = errno;
	const char *text = explanation(error);
	PyObject *value;

	errno = error;
	if (!text)
		return PyErr_SetFromErrno(PyExc_OSError);
	value = Py_BuildValue("is", error, text);
	if (value)
		PyErr_SetObject(PyExc_OSError, value);
	Py_XDECREF(value);
	return NULL;
}

PyObject *error_call(void)
{
	return PyErr_Occurred() ? NULL : error_set();
}

PyObject *error_wait(const struct sock *s)
{
	if (PyErr_Occurred() || s->timeout_ns <= 0 || (errno != EAGAIN && errno != EINPROGRESS))
		return error_call();
	PyErr_SetString(PyExc_TimeoutError, "timed out");
	return NULL;
}

bool error_none(ssize_t result)
{
	return result >= 0 && !PyErr_Occurred();
}

static PyObject *set_pair(PyObject *exception, int code, const char *text)
{
	PyObject *value = Py_BuildValue("is", code, text);

	if (value)
		PyErr_SetObject(exception, value);
	Py_XDECREF(value);
	return NULL;
}

PyObject *error_set_gai(int code)
{
	if (PyErr_Occurred())
		return NULL;
	if (code == EAI_SYSTEM)
		return error_set();
	return set_pair(error_gai, code, gai_strerror(code));
}

PyObject *error_set_host(int code)
{
	return set_pair(error_host, code, hstrerror(code));
}

int audit(const char *event, const char *format, ...)
{
	PyObject *hook = PySys_GetObject("audit"), *rest, *name, *all, *result = NULL;
	va_list list;

	if (!hook)
		return 0;
	va_start(list, format);
	rest = Py_VaBuildValue(format, list);
	va_end(list);
	name = Py_BuildValue("(s)", event);
	all = rest && name ? PySequence_Concat(name, rest) : NULL;
	if (all)
		result = PyObject_CallObject(hook, all);
	Py_XDECREF(all);
	Py_XDECREF(name);
	Py_XDECREF(rest);
	Py_XDECREF(result);
	return result ? 0 : -1;
}
