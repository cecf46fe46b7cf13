/* SPDX-License-Identifier: Apache-2.0 */
/* address.h - socket addresses as Python writes them: see the standard module's manual,
 * "Socket families". GIL held. */
#ifndef SB_PYTHON_ADDRESS_H
#define SB_PYTHON_ADDRESS_H

#include "python.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct sock;

struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_storage ss;
	};
	socklen_t len;
};

/* One family, or one protocol of a family. */
struct address_kind {
	int family;
	int proto; /* -1: all of them */
	int (*parse)(const struct sock *, PyObject *object, const char *caller, struct address *);
	PyObject *(*build)(const struct sock *, const struct address *);
};

extern const struct address_kind address_kinds_link[]; /* address_link.c; ends with parse NULL */
extern const struct address_kind address_kinds_can[];  /* address_can.c; the same */
extern const struct address_kind address_kinds_bluetooth[]; /* address_bluetooth.c; the same */

/* What the program wrote to the function @caller, in the socket's family; 0, or -1 and an
 * exception with the standard module's words. Names are resolved. */
int address_parse(const struct sock *, PyObject *object, const char *caller, struct address *ret);
/* A new object; None if the length is 0. The socket may be NULL. */
PyObject *address_build(const struct sock *, const struct address *);

/* Says "caller(): AF_X address must be tuple, not …", and returns false, if it isn't one. */
bool address_is_tuple(PyObject *object, const char *caller, const char *family);

/* A host name for PyArg_Parse()'s "O&": str (IDNA), bytes or bytearray. Ended by
 * host_free(), on failure too. */
struct host {
	PyObject *bytes;
	const char *text;
};
int host_convert(PyObject *object, void *host);
void host_free(struct host *);

/* The address of a host in @family (or AF_UNSPEC), the port left 0. */
int host_resolve(const char *text, int family, struct address *ret);

/* Interfaces, asked of the socket's own system. A failed build is "". */
int interface_index(const struct sock *, const char *name, int *ret);
void interface_name(const struct sock *, int index, char name[16]);

#endif
