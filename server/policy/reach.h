/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach.h - which options and ioctls reach beyond their socket, so that a rule must
 * say what they may reach.
 *
 * Static tables, no state, safe from any thread.
 */
#ifndef SB_POLICY_REACH_H
#define SB_POLICY_REACH_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An interface: `interface`. */
bool option_reaches_interface(int level, int name);
bool ioctl_reaches_interface(unsigned long request);
/* A netlink group: `netlink_groups`. */
bool option_is_netlink_group(int level, int name);
/* What others judge by: `marks`. */
bool option_is_mark(int level, int name);

#ifdef __cplusplus
}
#endif
#endif
