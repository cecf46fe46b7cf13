/* SPDX-License-Identifier: Apache-2.0 */
/* python.h - Python's header, for the stable ABI of 3.11, before any other. */
#ifndef SB_PYTHON_H
#define SB_PYTHON_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#endif
