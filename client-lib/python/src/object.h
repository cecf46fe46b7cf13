/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h - the socket object, what _socket.socket is to the standard library.
 *
 * All functions are called with the GIL held, and follow Python's convention: NULL or -1
 * with an exception set.
 */
#ifndef SB_PYTHON_OBJECT_H
#define SB_PYTHON_OBJECT_H

#include "python.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sock {
	PyObject_HEAD
	int fd;    /* the stand-in, or the socket itself; -1: closed, or detached */
	bool real; /* it is the socket itself, which the kernel shows by itself */
	pid_t pid; /* whose it is */
	int family, type, proto;
	int64_t timeout_ns; /* < 0: blocking; 0: non-blocking */
	bool shown;         /* somebody was told fd: the library shows readiness on it */
	bool made_nonblocking; /* by who was told, on fd itself; only in blocking mode */
};

/* The type's methods, each list in the file that has them; they end with a NULL row. */
extern PyMethodDef sock_methods_life[];
extern PyMethodDef sock_methods_naming[];
extern PyMethodDef sock_methods_receive[];
extern PyMethodDef sock_methods_send[];
extern PyMethodDef sock_methods_message_receive[];
extern PyMethodDef sock_methods_message_send[];
extern PyMethodDef sock_methods_option[];
extern PyMethodDef sock_methods_share[];

/* The type, made once. */
PyObject *sock_type_new(PyObject *module);

/* To be called before a call that may wait: who was told the descriptor may have set or
 * cleared O_NONBLOCK there. */
void mode_follow(struct sock *);

/* None or seconds, as settimeout() takes it; None is -1. */
int timeout_parse(PyObject *value, int64_t *ret_ns);
PyObject *timeout_build(int64_t ns);
/* What new sockets have; -1 at first. */
extern int64_t timeout_default_ns;

#endif
