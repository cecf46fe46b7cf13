/* SPDX-License-Identifier: Apache-2.0 */
/* cell.c - how single fields are written. */
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>

#include "table.h"

void cell_print(struct cell *ret, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(ret->text, sizeof(ret->text), format, list);
	va_end(list);
	/* Names come from clients: nothing of theirs may steer the terminal. */
	for (char *c = ret->text; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
}

static void print_number(struct cell *ret, int64_t number)
{
	cell_print(ret, "%lld", (long long)number);
	ret->is_number = true;
	ret->number = number;
}

void cell_chars(const void *field, struct cell *ret)
{
	cell_print(ret, "%s", (const char *)field);
}

void cell_int32(const void *field, struct cell *ret)
{
	print_number(ret, *(const int32_t *)field);
}

void cell_uint32(const void *field, struct cell *ret)
{
	print_number(ret, *(const uint32_t *)field);
}

void cell_uint64(const void *field, struct cell *ret)
{
	print_number(ret, (int64_t)*(const uint64_t *)field);
}

void cell_user(const void *field, struct cell *ret)
{
	const uid_t uid = *(const uid_t *)field;
	const struct passwd *user = getpwuid(uid);

	if (user)
		cell_print(ret, "%s", user->pw_name);
	else
		cell_print(ret, "%u", uid);
}

void cell_age(const void *field, struct cell *ret)
{
	const uint64_t ns = *(const uint64_t *)field;
	const unsigned long long s = ns / 1000000000;

	if (s >= 86400)
		cell_print(ret, "%llud %02llu:%02llu:%02llu", s / 86400, s / 3600 % 24,
			   s / 60 % 60, s % 60);
	else
		cell_print(ret, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
}

void cell_bytes(const void *field, struct cell *ret)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	const uint64_t bytes = *(const uint64_t *)field;
	double n = (double)bytes / 1024;
	size_t unit = 0;

	for (; n >= 1024 && unit < sizeof(units) / sizeof(units[0]) - 1; unit++)
		n /= 1024;
	if (bytes < 1024)
		cell_print(ret, "%llu B", (unsigned long long)bytes);
	else
		cell_print(ret, "%.1f %s", n, units[unit]);
}
