/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - names of hosts, and the patterns of a rule's `names`.
 *
 * No state, no look-ups, safe from any thread.
 */
#ifndef SB_POLICY_HOST_H
#define SB_POLICY_HOST_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A name of the DNS without the dot at its end, and a NUL. */
enum { HOST_BYTES = 254 };

/*
 * @host as it is compared: small letters, no dot at the end. False, and @ret is
 * untouched: it is no name that a rule could cover. Letters, digits, '-' and '_'
 * in labels of 1 to 63 bytes, at most 253 in all; what is beyond ASCII is
 * given as its A-label (xn--…), lest two spellings be judged apart.
 */
bool host_normalize(const char *host, char ret[HOST_BYTES]);

/* "www.example.org" is that name; "*.example.org" is each below example.org, and
 * not example.org. Both normalized. */
bool host_matches(const char *pattern, const char *host);

#ifdef __cplusplus
}
#endif
#endif
