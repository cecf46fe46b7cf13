/* SPDX-License-Identifier: Apache-2.0 */
/* domain_unix.c - unix sockets: paths, abstract names, `unix` in a rule. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "policy/domain.h"
#include "policy/match.h"
#include "policy/words.h"

/* ---- matching ---------------------------------------------------------- */

static bool abstract_matches(const struct texts *t, const char *name, size_t length)
{
	if (t->any)
		return true;
	for (size_t i = 0; i < t->n; i++) {
		size_t n = strlen(t->at[i]);
		bool starts = n > 0 && t->at[i][n - 1] == '*';

		n -= starts;
		if ((starts ? length >= n : length == n) && memcmp(t->at[i], name, n) == 0)
			return true;
	}
	return false;
}

static bool unix_address(const struct rule *r, const struct asked *a)
{
	const struct intent *in = a->in;
	enum { OFFSET = offsetof(struct sockaddr_un, sun_path) };
	struct sockaddr_un un;
	char path[sizeof(un.sun_path) + 1];
	size_t length = in->addr.len;

	if (length > sizeof(un)) /* getsockname(2) counts a NUL behind the longest path */
		length = sizeof(un);
	if (length < OFFSET || in->addr.ss.ss_family != AF_UNIX)
		return false;
	memcpy(&un, &in->addr.ss, length);
	length -= OFFSET;
	if (length == 0) /* to no name can one send */
		return r->autobind && (in->action == ACTION_BIND || in->action == ACTION_LISTEN);
	if (un.sun_path[0] == '\0')
		return abstract_matches(&r->abstract, un.sun_path + 1, length - 1);
	length = strnlen(un.sun_path, length);
	memcpy(path, un.sun_path, length);
	path[length] = '\0';
	if (r->deny && r->paths.any)
		return true;
	return path_is_clean(path) && texts_match(&r->paths, path);
}

/* ---- rules ------------------------------------------------------------- */

static int path_check(struct reader *r, const struct node *item)
{
	if (!path_is_clean(item->text))
		return complain(r, item, "'%.60s' is no clean absolute path; write it from / on, without "
				"'//', '.', '..' or a '/' at the end", item->text);
	if (strstr(item->text, "**"))
		return complain(r, item, "'**' does not cross '/' here; name each directory");
	if (strlen(item->text) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return complain(r, item, "longer than a unix address can be; shorten it");
	return 0;
}

static int abstract_check(struct reader *r, const struct node *item)
{
	const char *star = strchr(item->text, '*');

	if (node_is(item, "*"))
		return complain(r, item, "'*' would be every name; write any");
	if (star && star[1])
		return complain(r, item, "'*' can only stand at the end of an abstract name; move it");
	if (item->text[0] == '@')
		return complain(r, item, "abstract names stand here without the '@'; remove it");
	if (strlen(item->text) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return complain(r, item, "longer than an abstract name can be; shorten it");
	return 0;
}

static int autobind_read(struct reader *r, const struct node *node, struct rule *rule)
{
	if (node->kind != NODE_SCALAR || (!node_is(node, "true") && !node_is(node, "false")))
		return complain(r, node, "`autobind` is true or false; write one of them");
	rule->autobind = node_is(node, "true");
	return 0;
}

int unix_read(struct reader *r, const struct node *node, struct rule *rule)
{
	enum { PATHS, ABSTRACT, AUTOBIND, MODE, N };
	static const char *const keys[N] = { "paths", "abstract", "autobind", "mode" };
	struct slot s[N];
	int error = map_read(r, node, "`unix`", keys, N, s);

	if (!error && !s[PATHS].value && !s[ABSTRACT].value && !s[AUTOBIND].value)
		return complain(r, node, "`unix` names no address; add paths, abstract or autobind");
	if (!error && s[MODE].value && (!s[PATHS].value || !(rule->may >> ACTION_BIND & 1)))
		return complain(r, s[MODE].key, "'mode' is for files that bind makes; remove it, or add "
				"bind and paths");
	if (!error && s[PATHS].value)
		error = texts_read(r, s[PATHS].value,
				   (struct texts_target){ &rule->paths, rule->deny, path_check });
	if (!error && s[ABSTRACT].value)
		error = texts_read(r, s[ABSTRACT].value,
				   (struct texts_target){ &rule->abstract, true, abstract_check });
	if (!error && s[AUTOBIND].value)
		error = autobind_read(r, s[AUTOBIND].value, rule);
	return !error && s[MODE].value ? mode_read(r, s[MODE].value, &rule->unix_mode) : error;
}

/* ---- words ------------------------------------------------------------- */

/* Bytes that do not print stand as \xHH; returns the length, or -1. */
static int unescape(const char *text, char *to, size_t size)
{
	size_t n = 0;

	for (; *text; n++) {
		char digits[3] = { 0 };

		if (n == size)
			return -1;
		if (*text != '\\') {
			to[n] = *text++;
			continue;
		}
		if (text[1] != 'x' || !isxdigit((unsigned char)text[2]) ||
		    !isxdigit((unsigned char)text[3]))
			return -1;
		memcpy(digits, text + 2, 2);
		to[n] = (char)strtoul(digits, NULL, 16);
		text += 4;
	}
	return (int)n;
}

static bool unix_parse(char *word, struct intent *in)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *text = skip_prefix(word, "unix:");
	size_t offset = offsetof(struct sockaddr_un, sun_path);
	bool abstract = text[0] == '@';
	int n = unescape(text + abstract, un.sun_path + abstract, sizeof(un.sun_path) - abstract);

	if (n < 0 || (!abstract && n > 0 && un.sun_path[0] != '/'))
		return false;
	address_set(&in->addr, &un, offset + abstract + (size_t)n);
	return true;
}

const struct domain_row domain_unix = {
	.families = { AF_UNIX },
	.default_protocol_last = 1, /* as in /etc/protocols, PF_UNIX */
	.local = unix_address,
	.remote = unix_address,
	.keys = { { KEY_UNIX, MAY_LOCAL | MAY_REMOTE, USE_REQUIRED, NULL } },
	.parse = unix_parse,
	.example = "/run/x.sock or @name",
};
