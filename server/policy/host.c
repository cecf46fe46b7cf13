/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/host.h"

#include <stddef.h>
#include <string.h>

enum { LABEL_MAX = 63 };

/* Not the locale's: a Turkish I would make a difference. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool may_stand_in_label(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool host_normalize(const char *host, char ret[HOST_BYTES])
{
	char normal[HOST_BYTES];
	size_t n = strnlen(host, HOST_BYTES + 1), label = 0;

	if (n > 0 && host[n - 1] == '.')
		n--;
	if (n == 0 || n >= HOST_BYTES)
		return false;
	for (size_t i = 0; i < n; i++) {
		normal[i] = lower(host[i]);
		if (normal[i] == '.' ? label == 0 : !may_stand_in_label(normal[i]))
			return false;
		label = normal[i] == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	if (label == 0) /* two dots at the end */
		return false;
	normal[n] = '\0';
	memcpy(ret, normal, n + 1);
	return true;
}

bool host_matches(const char *pattern, const char *host)
{
	size_t n = strlen(host), n_suffix;

	if (pattern[0] != '*')
		return strcmp(pattern, host) == 0;
	pattern++; /* the dot belongs to what must be there */
	n_suffix = strlen(pattern);
	return n > n_suffix && memcmp(host + n - n_suffix, pattern, n_suffix) == 0;
}
