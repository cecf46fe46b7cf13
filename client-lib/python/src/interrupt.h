/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.h - signals come while a call waits for the broker. */
#ifndef SB_PYTHON_INTERRUPT_H
#define SB_PYTHON_INTERRUPT_H

/* From now on the library looks for Python's signals. */
void interrupt_begin(void);

#endif
