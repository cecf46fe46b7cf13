/* SPDX-License-Identifier: Apache-2.0 */
/* cleanup.h - values that undo themselves at the end of their scope, and the
 * word by which they are handed on. */
#ifndef SB_CORE_CLEANUP_H
#define SB_CORE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define _cleanup_close_ _cleanup_(close_fd)

#endif
