/* SPDX-License-Identifier: Apache-2.0 */
/* share.h - see share.c. GIL held. */
#ifndef SB_PYTHON_SHARE_H
#define SB_PYTHON_SHARE_H

#include "python.h"

/* The stand-in for what another process's share() returned, or -1 and an exception. */
int share_take(PyObject *bytes);

#endif
