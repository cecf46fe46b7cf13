/* SPDX-License-Identifier: Apache-2.0 */
/* intent_parse.c - an intent from words, the other way of intent_print(). */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/can.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "policy/intent.h"
#include "policy/names.h"
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

static const char *word_take(struct words *w)
{
	if (w->n == 0)
		return NULL;
	w->n--;
	return *w->at++;
}

/* Decimal, or 0x and hexadecimal; all of @text. */
static bool number_parse(const char *text, unsigned long long max, unsigned long long *ret)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	return !errno && !*end && *ret <= max;
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

typedef bool (*address_parser)(const char *text, struct sock_addr *ret);

static void address_set(struct sock_addr *ret, const void *sa, size_t length)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(&ret->ss, sa, length);
	ret->len = (socklen_t)length;
}

/* "HOST:PORT" in two; the port may be missing. */
static bool host_split(const char *text, char *host, size_t size, in_port_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	unsigned long long port = 0;
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (n >= size || (colon && !number_parse(colon + 1, 65535, &port)))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	*ret_port = htons((in_port_t)port);
	return true;
}

static bool inet_parse(const char *text, struct sock_addr *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	char host[INET_ADDRSTRLEN];

	if (!host_split(text, host, sizeof(host), &in.sin_port) ||
	    inet_pton(AF_INET, host, &in.sin_addr) != 1)
		return false;
	address_set(ret, &in, sizeof(in));
	return true;
}

static bool scope_parse(const char *text, uint32_t *ret)
{
	unsigned long long number;

	*ret = if_nametoindex(text);
	if (!*ret && number_parse(text, UINT32_MAX, &number))
		*ret = (uint32_t)number;
	return *ret != 0;
}

static bool inet6_parse(const char *text, struct sock_addr *ret)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 4], *end, *scope;

	if (text[0] != '[') { /* without brackets there is no port; or it is IPv4 */
		if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
			return inet_parse(text, ret);
		address_set(ret, &in6, sizeof(in6));
		return true;
	}
	end = strrchr(text, ']');
	if (!end || (end[1] && end[1] != ':') || (size_t)(end - text) > sizeof(host) - 1)
		return false;
	if (end[1] && !host_split(end, host, sizeof(host), &in6.sin6_port))
		return false;
	memcpy(host, text + 1, (size_t)(end - text - 1));
	host[end - text - 1] = '\0';
	scope = strchr(host, '%');
	if (scope)
		*scope++ = '\0';
	if (scope && !scope_parse(scope, &in6.sin6_scope_id))
		return false;
	if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
		return false;
	address_set(ret, &in6, sizeof(in6));
	return true;
}

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

static bool unix_parse(const char *text, struct sock_addr *ret)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t offset = offsetof(struct sockaddr_un, sun_path);
	bool abstract = text[0] == '@';
	int n = unescape(text + abstract, un.sun_path + abstract, sizeof(un.sun_path) - abstract);

	if (n < 0 || (!abstract && n > 0 && un.sun_path[0] != '/'))
		return false;
	address_set(ret, &un, offset + abstract + (size_t)n);
	return true;
}

/* "eth0", "#7", "*" for all. */
static bool interface_parse(const char *text, int *ret)
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

static bool packet_parse(const char *text, struct sock_addr *ret)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET };

	if (!interface_parse(text, &ll.sll_ifindex))
		return false;
	address_set(ret, &ll, sizeof(ll));
	return true;
}

static bool can_parse(const char *text, struct sock_addr *ret)
{
	struct sockaddr_can can = { .can_family = AF_CAN };

	if (!interface_parse(text, &can.can_ifindex))
		return false;
	address_set(ret, &can, offsetof(struct sockaddr_can, can_addr));
	return true;
}

/* "A:B" or "A": two numbers. */
static bool pair_parse(const char *text, uint32_t *ret_a, uint32_t *ret_b)
{
	const char *colon = strchr(text, ':');
	unsigned long long a, b = 0;
	char first[24];
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (n >= sizeof(first))
		return false;
	memcpy(first, text, n);
	first[n] = '\0';
	if (!number_parse(first, UINT32_MAX, &a) ||
	    (colon && !number_parse(colon + 1, UINT32_MAX, &b)))
		return false;
	*ret_a = (uint32_t)a;
	*ret_b = (uint32_t)b;
	return true;
}

static bool netlink_parse(const char *text, struct sock_addr *ret)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };

	if (!pair_parse(text, &nl.nl_pid, &nl.nl_groups))
		return false;
	address_set(ret, &nl, sizeof(nl));
	return true;
}

static bool vsock_parse(const char *text, struct sock_addr *ret)
{
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK };
	uint32_t cid, port;

	if (!pair_parse(text, &cid, &port))
		return false;
	vm.svm_cid = cid;
	vm.svm_port = port;
	address_set(ret, &vm, sizeof(vm));
	return true;
}

static const struct {
	int family;
	const char *prefix; /* that addr_print() writes; may be left out */
	address_parser parse;
	const char *example;
} parsers[] = {
	{ AF_INET, "", inet_parse, "127.0.0.1:80" },
	{ AF_INET6, "", inet6_parse, "[::1]:80" },
	{ AF_UNIX, "unix:", unix_parse, "/run/x.sock or @name" },
	{ AF_PACKET, "packet:", packet_parse, "the name of an interface that is there, or any" },
	{ AF_NETLINK, "netlink:", netlink_parse, "0 or PORT:GROUPS" },
	{ AF_CAN, "can:", can_parse, "the name of an interface that is there, or any" },
	{ AF_VSOCK, "vsock:", vsock_parse, "CID:PORT" },
};

static int address_parse(struct words *w, struct intent *in)
{
	const char *word = word_take(w);
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	if (!word)
		return refuse(w, "an address is missing");
	if (strcmp(word, "unbound") == 0)
		return 0;
	if (strcmp(word, "family:0") == 0 || strcmp(word, "unspec") == 0) {
		address_set(&in->addr, &unspec, sizeof(unspec));
		return 0;
	}
	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		size_t n = strlen(parsers[i].prefix);

		if (parsers[i].family != in->family)
			continue;
		if (strncmp(word, parsers[i].prefix, n) == 0)
			word += n;
		if (parsers[i].parse(word, &in->addr))
			return 0;
		return refuse(w, "'%.100s' is no address of this family; write %s", word,
			      parsers[i].example);
	}
	return refuse(w, "addresses of this family have no text");
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
	bool last = w->n == 1 && in->action != ACTION_SOCKET; /* needed for what follows */
	unsigned long long number;
	int protocol;

	if (w->n == 0 || last)
		return 0;
	if (!name_find(names, w->at[0], &protocol) && !number_parse(w->at[0], INT32_MAX, &number) &&
	    in->action != ACTION_SOCKET)
		return w->n == 2 && in->action != ACTION_OPTION && in->action != ACTION_IOCTL
			       ? named_parse(w, names, "protocol", &in->protocol) : 0;
	return named_parse(w, names, "protocol", &in->protocol);
}

static int resolve_parse(struct words *w, struct intent *in)
{
	const char *word = word_take(w);

	if (!word)
		return refuse(w, "a name or an address is missing");
	if (strchr(word, ':') ? inet6_parse(word, &in->addr) : inet_parse(word, &in->addr))
		return 0;
	in->host = word;
	return 0;
}

static int rest_parse(struct words *w, struct intent *in)
{
	switch (in->action) {
	case ACTION_SOCKET:
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
		return refuse(w, "unknown action '%.60s'; there are socket, bind, listen, connect, send, "
			      "option, ioctl, inspect, resolve, sethostname", action);
	if (in->action == ACTION_INSPECT || in->action == ACTION_SETHOSTNAME)
		return 0;
	if (in->action == ACTION_RESOLVE)
		return resolve_parse(w, in);
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
