/* SPDX-License-Identifier: Apache-2.0 */
/* privilege.h - what the launcher itself may do. */
#ifndef SB_RUN_PRIVILEGE_H
#define SB_RUN_PRIVILEGE_H

/*
 * Gives up what the kernel would look at in socket calls, for those that are tried here: whoever
 * runs this as root, and a program in it that is root no more, are told what the program
 * would be. What lets us look into other users' processes stays. Before there are threads.
 */
void privilege_drop(void);

#endif
