/* SPDX-License-Identifier: Apache-2.0 */
/* intent_parse.c - an intent from words, the other way of intent_print(). */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/intent.h"
#include "policy/words.h"
#include "wire/ioctls.h"
#include "wire/sockopt.h"

struct words {
	int n;
	char **at;
	char *error;
	size_t error_size;
};

static int refuse(const struct words *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(const struct words *w, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(w->error, w->error_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static char *word_take(struct words *w)
{
	if (w->n == 0)
		return NULL;
	w->n--;
	return *w->at++;
}

/* A name or a number. */
static int named_parse(struct words *w, struct names names, const char *what, int *ret)
{
	const char *word = word_take(w);
	unsigned long long number;

	if (!word)
		return refuse(w, "a %s is missing", what);
	if (name_find(names, word, ret))
		return 0;
	if (number_parse(word, INT32_MAX, &number)) {
		*ret = (int)number;
		return 0;
	}
	if (name_nearest(names, word))
		return refuse(w, "unknown %s '%.60s'; did you mean %s?", what, word,
			      name_nearest(names, word));
	return refuse(w, "unknown %s '%.60s'", what, word);
}

/* ---- addresses --------------------------------------------------------- */

static int address_parse(struct words *w, struct intent *in)
{
	const struct domain_row *domain = domain_row(family_domain(in->family));
	char *word = word_take(w);
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	if (!word)
		return refuse(w, "an address is missing");
	if (strcmp(word, "unbound") == 0)
		return 0;
	if (strcmp(word, "family:0") == 0 || strcmp(word, "unspec") == 0) {
		address_set(&in->addr, &unspec, sizeof(unspec));
		return 0;
	}
	if (!domain->parse)
		return refuse(w, "addresses of this family have no text");
	if (!domain->parse(word, in))
		return refuse(w, "'%.100s' is no address of this family; write %s", word,
			      domain->example);
	return 0;
}

/* ---- the rest ---------------------------------------------------------- */

static int value_parse(struct words *w, struct intent *in)
{
	const char *word = word_take(w);
	unsigned long long number;
	char *end;

	if (!word)
		return 0;
	if (isdigit((unsigned char)word[0]) || word[0] == '-') {
		errno = 0;
		in->value = strtoll(word, &end, 0);
		if (errno || *end)
			return refuse(w, "'%.60s' is no number", word);
		number = (unsigned long long)in->value;
		in->ifindex = number <= INT32_MAX ? (int)number : 0;
		return 0;
	}
	if (!interface_parse(word, &in->ifindex))
		return refuse(w, "there is no interface '%.60s'", word);
	return 0;
}

static int option_parse(struct words *w, struct intent *in)
{
	const char *word = word_take(w);
	const struct sockopt *row = word ? sockopt_find_text(word) : NULL;
	uint32_t level, name;
	size_t n;
	const struct sockopt *rows = sockopt_rows(&n);

	if (!word)
		return refuse(w, "the name of an option is missing");
	if (!row && !pair_parse(word, &level, &name))
		return refuse(w, "unknown option '%.60s'; write it as in socket(7), as SO_MARK", word);
	in->level = row ? row->level : (int)level;
	in->name = row ? row->name : (int)name;
	/* the same name at the level of IPv6 */
	for (size_t i = 0; row && in->family == AF_INET6 && i < n; i++) {
		if (rows[i].level == IPPROTO_IPV6 && strcmp(rows[i].text, word) == 0) {
			in->level = rows[i].level;
			in->name = rows[i].name;
		}
	}
	return value_parse(w, in);
}

static int ioctl_parse(struct words *w, struct intent *in)
{
	const char *word = word_take(w);
	const struct ioctl_row *row = word ? ioctl_find_text(word) : NULL;
	unsigned long long number;

	if (!word)
		return refuse(w, "the name of an ioctl is missing");
	if (!row && !number_parse(word, UINT32_MAX, &number))
		return refuse(w, "unknown ioctl '%.60s'; write it as in netdevice(7), as SIOCGIFINDEX", word);
	in->ioctl = row ? row->request : (unsigned long)number;
	return value_parse(w, in);
}

/* It may be left out: 0. What is an address or an option is not taken for one. */
static int protocol_parse(struct words *w, struct intent *in)
{
	struct names names = protocol_names(family_domain(in->family));
	bool kind = MAY_KIND >> in->action & 1;
	bool last = w->n == 1 && !kind; /* needed for what follows */
	unsigned long long number;
	int protocol;

	if (w->n == 0 || last)
		return 0;
	if (!name_find(names, w->at[0], &protocol) && !number_parse(w->at[0], INT32_MAX, &number) &&
	    !kind)
		return w->n == 2 && in->action != ACTION_OPTION && in->action != ACTION_IOCTL
			       ? named_parse(w, names, "protocol", &in->protocol) : 0;
	return named_parse(w, names, "protocol", &in->protocol);
}

static int resolve_parse(struct words *w, struct intent *in)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	char *word = word_take(w);

	if (!word)
		return refuse(w, "a name or an address is missing");
	if (inet_pton(AF_INET, word, &in4.sin_addr) == 1)
		address_set(&in->addr, &in4, sizeof(in4));
	else if (inet_pton(AF_INET6, word, &in6.sin6_addr) == 1)
		address_set(&in->addr, &in6, sizeof(in6));
	else
		in->host = word;
	return 0;
}

static int rest_parse(struct words *w, struct intent *in)
{
	switch (in->action) {
	case ACTION_SOCKET:
	case ACTION_DIRECT:
		return 0;
	case ACTION_OPTION:
		return option_parse(w, in);
	case ACTION_IOCTL:
		return ioctl_parse(w, in);
	default:
		return address_parse(w, in);
	}
}

static int words_parse(struct words *w, struct intent *in)
{
	const char *action = word_take(w);
	int error;

	if (!action)
		return refuse(w, "an action is missing; write as `socket inet raw icmp`");
	if (!action_find(action, &in->action))
		return refuse(w, "unknown action '%.60s'; there are socket, bind, listen, connect, "
			      "send, option, ioctl, inspect, resolve, sethostname, direct, files", action);
	if (in->action == ACTION_RESOLVE)
		return resolve_parse(w, in);
	if (!(MAY_SOCKETS >> in->action & 1))
		return 0;
	error = named_parse(w, family_names(), "family", &in->family);
	if (!error)
		error = named_parse(w, type_names(), "type", &in->type);
	if (!error)
		error = protocol_parse(w, in);
	return error ? error : rest_parse(w, in);
}

int intent_parse(int argc, char **argv, struct intent *ret, char *error, size_t error_size)
{
	struct words w = { argc, argv, error, error_size };
	struct intent in = { .action = ACTION_NONE };
	int result = words_parse(&w, &in);

	if (result < 0)
		return result;
	if (w.n > 0)
		return refuse(&w, "'%.60s' is too much", w.at[0]);
	*ret = in;
	return 0;
}
