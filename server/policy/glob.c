/* SPDX-License-Identifier: Apache-2.0 */
/* glob.c - names with `*` and `?`. Not fnmatch(3), which depends on the locale
 * and takes exponential time for a hostile name. */
#include <string.h>

#include "policy/rule.h"

static bool wild_may_stand_for(const char *text, const char *at)
{
	bool first = at == text || at[-1] == '/';

	return *at && *at != '/' && !(first && *at == '.');
}

bool glob_matches(const char *glob, const char *text)
{
	const char *at = text;
	const char *star = NULL, *star_at = NULL;

	/* To go back to the last star alone is enough: an earlier one could
	 * only stand for what this one already may. */
	for (;;) {
		if (*glob == '*') {
			star = glob++;
			star_at = at;
		} else if (*glob == '?' && wild_may_stand_for(text, at)) {
			glob++;
			at++;
		} else if (*glob != '?' && *glob == *at) {
			if (!*at)
				return true;
			glob++;
			at++;
		} else if (star && wild_may_stand_for(text, star_at)) {
			at = ++star_at;
			glob = star + 1;
		} else {
			return false;
		}
	}
}

bool path_is_clean(const char *path)
{
	if (path[0] != '/')
		return false;
	for (const char *part = path; *part;) {
		size_t n = strcspn(++part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		part += n;
	}
	return true;
}
