/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - small things that addresses in words are made of. Inside server/policy
 * only. No state, safe from any thread.
 */
#ifndef SB_POLICY_WORDS_H
#define SB_POLICY_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/addr.h"

/* Decimal, or 0x and hexadecimal; all of @text. */
bool number_parse(const char *text, unsigned long long max, unsigned long long *ret);
/* Numbers of 32 bits with one of @marks between each two: ("7:0-99", ":-"). */
bool numbers_parse(const char *text, const char *marks, uint32_t *ret);
/* "A:B", or "A" and B is 0. */
bool pair_parse(const char *text, uint32_t *ret_a, uint32_t *ret_b);
/* "eth0", "#7", "*" or "any" for all of them: 0. */
bool interface_parse(const char *text, int *ret);
/* "00:11:22:33:44:55", in this order. */
bool bdaddr_parse(const char *text, uint8_t ret[6]);

void address_set(struct sock_addr *ret, const void *sa, size_t length);

/* @text behind @prefix, if it begins so, else @text. */
const char *skip_prefix(const char *text, const char *prefix);

#endif
