/* SPDX-License-Identifier: Apache-2.0 */
/* share.c - a socket for another process, as on Windows: share() makes bytes of it, fromshare() a socket of these. */
#include "share.h"

#include <string.h>
#include <sys/socket.h>

#include "error.h"
#include "object.h"
#include "sockbroker.h"

int share_take(PyObject *bytes)
{
	char token[SB_SHARE_BYTES] = "";
	const Py_ssize_t len = PyBytes_Size(bytes);
	int fd;

	if (len >= (Py_ssize_t)sizeof(token)) {
		PyErr_Format(PyExc_ValueError, "what share() made has less than %d bytes, not %zd.",
			     SB_SHARE_BYTES, len);
		return -1;
	}
	memcpy(token, PyBytes_AsString(bytes), (size_t)len);
	Py_BEGIN_ALLOW_THREADS
	fd = sb_fromshare(token, SOCK_CLOEXEC);
	Py_END_ALLOW_THREADS
	if (error_none(fd))
		return fd;
	if (fd >= 0)
		(void)sb_close(fd);
	(void)error_call();
	return -1;
}

static PyObject *sock_share(struct sock *s, PyObject *object)
{
	char token[SB_SHARE_BYTES];
	int pid, r;

	if (!PyArg_Parse(object, "i", &pid))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = sb_share(s->fd, pid, token);
	Py_END_ALLOW_THREADS
	return error_none(r) ? PyBytes_FromString(token) : error_call();
}

PyMethodDef sock_methods_share[] = {
	{ "share", (PyCFunction)sock_share, METH_O,
	  "share(process_id) -> bytes\n\nShare the socket with another process. The target process id must be\n"
	  "provided (0: any of this user), and the bytes be passed to it, which calls fromshare()." },
	{ NULL, NULL, 0, NULL },
};
