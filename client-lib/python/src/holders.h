/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holders.h - how many socket objects have the same number. A program may make a second one by
 * socket(fileno=s.fileno()), as ssl does. GIL held.
 */
#ifndef SB_PYTHON_HOLDERS_H
#define SB_PYTHON_HOLDERS_H

/* Returns 0, or -1 and MemoryError. */
int holders_add(int fd);
/* Returns how many are left. Accepts a number that has none. */
unsigned holders_remove(int fd);

#endif
