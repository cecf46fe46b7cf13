/* SPDX-License-Identifier: Apache-2.0 */
/* privileged.h - the options and ioctls for which the kernel may want a capability of the
 * caller, each time. All others the program sets by itself. */
#ifndef SB_RUN_PRIVILEGED_H
#define SB_RUN_PRIVILEGED_H

#include <stddef.h>

struct privileged_option {
	int level, name;
};

const struct privileged_option *privileged_options(size_t *ret_n);
const unsigned long *privileged_ioctls(size_t *ret_n);

#endif
