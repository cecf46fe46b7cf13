/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - the module's functions, in lists; each ends with a NULL row. */
#ifndef SB_PYTHON_NAMES_H
#define SB_PYTHON_NAMES_H

#include "python.h"

extern PyMethodDef module_functions_sockets[];   /* module.c */
extern PyMethodDef module_functions_addresses[]; /* names_address.c: getaddrinfo, getnameinfo, … */
extern PyMethodDef module_functions_tables[];    /* names_table.c: protocols, services, interfaces */

#endif
