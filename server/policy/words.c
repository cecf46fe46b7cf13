/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/words.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

bool number_parse(const char *text, unsigned long long max, unsigned long long *ret)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	return !errno && !*end && *ret <= max;
}

bool numbers_parse(const char *text, const char *marks, uint32_t *ret)
{
	for (;; text++, marks++) {
		char *end;
		unsigned long long number;

		if (!isdigit((unsigned char)*text))
			return false;
		errno = 0;
		number = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
		if (errno || number > UINT32_MAX)
			return false;
		*ret++ = (uint32_t)number;
		text = end;
		if (*text != *marks)
			return false;
		if (!*marks)
			return true;
	}
}

bool pair_parse(const char *text, uint32_t *ret_a, uint32_t *ret_b)
{
	uint32_t pair[2] = { 0 };

	if (!numbers_parse(text, strchr(text, ':') ? ":" : "", pair))
		return false;
	*ret_a = pair[0];
	*ret_b = pair[1];
	return true;
}

bool interface_parse(const char *text, int *ret)
{
	unsigned long long number;

	if (strcmp(text, "*") == 0 || strcmp(text, "any") == 0) {
		*ret = 0;
		return true;
	}
	if (text[0] == '#' && number_parse(text + 1, INT32_MAX, &number)) {
		*ret = (int)number;
		return true;
	}
	*ret = (int)if_nametoindex(text);
	return *ret != 0;
}

bool bdaddr_parse(const char *text, uint8_t ret[6])
{
	uint8_t bytes[6];

	for (size_t i = 0; i < sizeof(bytes); i++, text += 3) {
		char digits[3] = { text[0], text[0] ? text[1] : '\0' };

		if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]) ||
		    text[2] != (i < 5 ? ':' : '\0'))
			return false;
		bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	memcpy(ret, bytes, sizeof(bytes));
	return true;
}

void address_set(struct sock_addr *ret, const void *sa, size_t length)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(&ret->ss, sa, length);
	ret->len = (socklen_t)length;
}

const char *skip_prefix(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) == 0 ? text + n : text;
}
