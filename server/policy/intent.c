/* SPDX-License-Identifier: Apache-2.0 */
/* intent.c - an intent as text: in logs, in `sockbroker policy explain`. */
#include "policy/intent.h"

#include <linux/if_packet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "policy/domain.h"
#include "policy/host.h"
#include "wire/ioctls.h"
#include "wire/sockopt.h"

static const char *const actions[ACTION_COUNT] = {
	[ACTION_NONE] = "none",       [ACTION_SOCKET] = "socket", [ACTION_BIND] = "bind",
	[ACTION_LISTEN] = "listen",   [ACTION_CONNECT] = "connect", [ACTION_SEND] = "send",
	[ACTION_OPTION] = "option",   [ACTION_IOCTL] = "ioctl",   [ACTION_INSPECT] = "inspect",
	[ACTION_RESOLVE] = "resolve", [ACTION_SETHOSTNAME] = "sethostname",
	[ACTION_DIRECT] = "direct",   [ACTION_FILES] = "files",
};

const char *action_name(enum action action)
{
	return action < ACTION_COUNT ? actions[action] : "unknown";
}

bool action_find(const char *name, enum action *ret)
{
	for (int a = ACTION_NONE + 1; a < ACTION_COUNT; a++) {
		if (strcmp(actions[a], name) == 0) {
			*ret = (enum action)a;
			return true;
		}
	}
	return false;
}

struct text {
	char *at;
	size_t size, used;
};

static void text_append(struct text *t, const char *piece)
{
	int n = snprintf(t->at + t->used, t->size - t->used, "%s", piece);

	if (n > 0)
		t->used = (size_t)n < t->size - t->used ? t->used + (size_t)n : t->size - 1;
}

static void text_add(struct text *t, const char *word)
{
	if (t->used)
		text_append(t, " ");
	text_append(t, word);
}

static void text_add_number(struct text *t, long long number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", number);
	text_add(t, digits);
}

static void text_add_named(struct text *t, struct names names, int number)
{
	const char *name = name_of(names, number);

	if (name)
		text_add(t, name);
	else
		text_add_number(t, number);
}

static void option_print(struct text *t, const struct intent *in)
{
	const struct sockopt *option = sockopt_find_for(in->family, in->level, in->name);
	char number[32];

	snprintf(number, sizeof(number), "%d:%d", in->level, in->name);
	text_add(t, option ? option->text : number);
	if (in->value || in->ifindex)
		text_add_number(t, in->value ? in->value : in->ifindex);
}

static void ioctl_print(struct text *t, const struct intent *in)
{
	const struct ioctl_row *ioctl = ioctl_find(in->ioctl);
	char number[24];

	snprintf(number, sizeof(number), "0x%lx", in->ioctl);
	text_add(t, ioctl ? ioctl->text : number);
}

/* A name of a client's choice: a log line is one line. */
static void host_print(struct text *t, const char *host)
{
	char shown[HOST_BYTES + 4];
	size_t n = 0;

	for (; host[n] && n < HOST_BYTES; n++)
		shown[n] = host[n] > ' ' && host[n] <= '~' ? host[n] : '?';
	strcpy(shown + n, host[n] ? "..." : "");
	text_add(t, shown);
}

static void address_print(struct text *t, const struct intent *in)
{
	char address[ADDR_TEXT_BYTES], *port;

	if (in->addr.len == 0) {
		text_add(t, "unbound");
		return;
	}
	addr_print((const struct sockaddr *)&in->addr.ss, in->addr.len, address, sizeof(address));
	port = strrchr(address, ':');
	if (in->host && port) { /* from intent_parse() */
		host_print(t, in->host);
		text_append(t, port);
		return;
	}
	text_add(t, address);
}

static void resolve_print(struct text *t, const struct intent *in)
{
	char host[NI_MAXHOST];

	if (in->host)
		host_print(t, in->host);
	else if (getnameinfo((const struct sockaddr *)&in->addr.ss, in->addr.len, host,
			     sizeof(host), NULL, 0, NI_NUMERICHOST) == 0)
		text_add(t, host);
	else
		address_print(t, in);
}

const char *intent_print(const struct intent *in, char *text, size_t size)
{
	enum domain domain = family_domain(in->family);
	struct text t = { text, size, 0 };

	if (size == 0)
		return text;
	text[0] = '\0';
	text_add(&t, action_name(in->action));
	if (in->action == ACTION_RESOLVE)
		resolve_print(&t, in);
	if (!(MAY_SOCKETS >> in->action & 1))
		return text;
	text_add_named(&t, family_names(), in->family);
	text_add_named(&t, type_names(), in->type);
	if (in->protocol || domain_row(domain)->has_protocols)
		text_add_named(&t, protocol_names(domain), in->protocol);
	if (in->action == ACTION_OPTION)
		option_print(&t, in);
	else if (in->action == ACTION_IOCTL)
		ioctl_print(&t, in);
	else if (!(MAY_KIND >> in->action & 1))
		address_print(&t, in);
	return text;
}
