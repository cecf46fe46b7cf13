/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest.h - what a program asked for, as the smallest policy that gives it.
 *
 * Any thread may note. What is kept is bounded: beyond some addresses and ports of a kind of
 * socket the suggestion has ranges, or says in a comment what it lacks.
 */
#ifndef SB_RUN_SUGGEST_H
#define SB_RUN_SUGGEST_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "policy/intent.h"

#ifdef __cplusplus
extern "C" {
#endif

struct suggestion;

/* NULL: memory is out. */
struct suggestion *suggest_new(void);
void suggest_free(struct suggestion *); /* accepts NULL */

/*
 * Notes a call that needs a rule, allowed or not; what needs none is passed over. A
 * noted socket is one that is to become the program's own: `direct` goes with it.
 *
 * @privileged: the kernel does not do it for who lacks capabilities. Of a netlink message it says
 * that it asks for a change, which needs a socket of the broker's: noting the message
 * is enough. Where the kernel always looks (raw sockets, ports below 1024 …) it does not matter.
 * @interface: the name of the one that the call reaches (an address or an index in @asked has it by
 * number), or NULL: it is looked up here.
 */
void suggest_note(struct suggestion *, const struct intent *asked, bool privileged,
		  const char *interface);

/* A policy file for @uid, who ran @program (a name or a path). Returns 0 or -errno. */
int suggest_write(struct suggestion *, FILE *, uid_t uid, const char *program);

#ifdef __cplusplus
}
#endif
#endif
