/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idn.h - names of hosts in more letters than ASCII's, as the DNS has them (RFC
 * 5891): "b\u00fccher.example" is "xn--bcher-kva.example".
 *
 * getaddrinfo(3) could do that by itself, but after the policy had judged another name
 * than the one that is looked up. As there, the library libidn2 does it, if it is installed.
 */
#ifndef SB_OPS_IDN_H
#define SB_OPS_IDN_H

/* Once, at start: loads the library. */
void idn_init(void);

/* @name is UTF-8. Returns what is to be freed with free(3); or NULL: it is no such name, the
 * library is not there, or memory is out. Any thread. */
char *idn_encode(const char *name);

#endif
