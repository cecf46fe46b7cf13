/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest_where.c - addresses in the words of a policy. The names come from a program
 * that nobody trusts, and go into a file that somebody will: what is more than letters,
 * digits and a few marks is left out.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <linux/can.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <string.h>

#include "policy/place.h"
#include "suggest_notes.h"

static bool is_local(enum action action)
{
	return action == ACTION_BIND || action == ACTION_LISTEN;
}

static bool is_plain(const char *text, const char *marks)
{
	for (const char *c = text; *c; c++)
		if (!isascii((unsigned char)*c) || (!isalnum((unsigned char)*c) && !strchr(marks, *c)))
			return false;
	return *text != '\0';
}

/* ---- interfaces -------------------------------------------------------- */

static bool interface_text(long index, const char *interface, char *ret, size_t size)
{
	char name[IF_NAMESIZE];

	if (!interface && index == 0)
		return snprintf(ret, size, "any") < (int)size;
	if (!interface && index > 0)
		interface = if_indextoname((unsigned)index, name);
	if (!interface || strlen(interface) >= IF_NAMESIZE || strstr(interface, "..") ||
	    !is_plain(interface, "-_.@") || strcmp(interface, "any") == 0)
		return false;
	return snprintf(ret, size, is_plain(interface, "") ? "%s" : "\"%s\"", interface) < (int)size;
}

bool interface_of(const struct intent *in, const char *interface, char *ret, size_t size)
{
	return interface_text(in->ifindex, interface, ret, size);
}

static bool link_where(const struct intent *in, const char *interface, struct where *ret)
{
	struct sockaddr_can can;
	struct sockaddr_ll ll;
	int index;

	if (in->family == AF_PACKET) {
		memcpy(&ll, &in->addr.ss, sizeof(ll));
		index = in->addr.len >= offsetof(struct sockaddr_ll, sll_hatype) ? ll.sll_ifindex : -1;
	} else {
		memcpy(&can, &in->addr.ss, sizeof(can));
		index = in->addr.len >= offsetof(struct sockaddr_can, can_addr) ? can.can_ifindex : -1;
	}
	ret->special = true;
	return interface_text(index, interface, ret->text, sizeof(ret->text));
}

/* ---- internet ---------------------------------------------------------- */

static void place_add(struct where *w, const struct place *place)
{
	char text[INET6_ADDRSTRLEN];
	size_t used = strlen(w->text);

	inet_ntop(place->v4 ? AF_INET : AF_INET6, place->bytes, text, sizeof(text));
	snprintf(w->text + used, sizeof(w->text) - used, place->v4 ? "%s%s" : "%s\"%s\"",
		 used ? ", " : "", text);
	w->special = w->special || place_special(place);
}

static bool inet_where(const struct intent *in, struct where *ret)
{
	struct sock_addr unbound = { .len = sizeof(struct sockaddr_in), .ss.ss_family = AF_INET };
	const struct sock_addr *addr = in->addr.len ? &in->addr : &unbound;
	bool local = is_local(in->action);
	struct places places = { 0 };

	if ((in->addr.len == 0 && in->action != ACTION_LISTEN) ||
	    !(local ? places_from(addr, &places) : places_to(addr, &places)))
		return false;
	ret->has_port = true;
	ret->port = places.port;
	if (local && places.wildcard) {
		strcpy(ret->text, "wildcard");
		ret->special = true;
		return true;
	}
	for (size_t i = 0; i < places.n; i++)
		place_add(ret, &places.at[i]);
	return true;
}

/* ---- others ------------------------------------------------------------ */

static bool netlink_where(const struct intent *in, struct where *ret)
{
	struct sockaddr_nl nl = { 0 }; /* without a destination: the kernel */
	size_t used = 0;

	if (in->addr.len >= sizeof(nl) && in->addr.ss.ss_family == AF_NETLINK)
		memcpy(&nl, &in->addr.ss, sizeof(nl));
	else if (in->addr.len)
		return false;
	ret->special = true;
	if (!is_local(in->action) && nl.nl_groups)
		strcpy(ret->text, "any");
	else if (!is_local(in->action))
		snprintf(ret->text, sizeof(ret->text), nl.nl_pid ? "%u" : "kernel", nl.nl_pid);
	for (unsigned group = 1; is_local(in->action) && group <= 32; group++)
		if (nl.nl_groups >> (group - 1) & 1 && used + 8 < sizeof(ret->text))
			used += (size_t)snprintf(ret->text + used, sizeof(ret->text) - used, "%s%u",
						 used ? ", " : "", group);
	return true;
}

static bool vsock_where(const struct intent *in, struct where *ret)
{
	struct sockaddr_vm vm = { .svm_cid = VMADDR_CID_ANY, .svm_port = VMADDR_PORT_ANY };

	if (in->addr.len >= sizeof(vm) && in->addr.ss.ss_family == AF_VSOCK)
		memcpy(&vm, &in->addr.ss, sizeof(vm));
	else if (in->action != ACTION_LISTEN || in->addr.len)
		return false;
	if (vm.svm_cid == VMADDR_CID_ANY && !is_local(in->action))
		return false;
	ret->has_port = true;
	ret->port = vm.svm_port == VMADDR_PORT_ANY ? 0 : vm.svm_port;
	ret->special = vm.svm_cid <= 2 || vm.svm_cid == VMADDR_CID_ANY;
	if (vm.svm_cid == VMADDR_CID_ANY)
		strcpy(ret->text, "wildcard");
	else
		snprintf(ret->text, sizeof(ret->text), "%u", vm.svm_cid);
	return true;
}

static bool alg_where(const struct intent *in, struct where *ret)
{
	static const char marks[] = "-_.(),";
	char type[sizeof(((struct sockaddr_alg *)NULL)->salg_type) + 1] = "";
	char name[sizeof(((struct sockaddr_alg *)NULL)->salg_name) + 1] = "";
	struct sockaddr_alg alg;

	if (in->action != ACTION_BIND || in->addr.len < sizeof(alg))
		return false;
	memcpy(&alg, &in->addr.ss, sizeof(alg));
	memcpy(type, alg.salg_type, sizeof(type) - 1);
	memcpy(name, alg.salg_name, sizeof(name) - 1);
	ret->special = true;
	return is_plain(type, marks) && is_plain(name, marks) &&
	       snprintf(ret->text, sizeof(ret->text), "\"%s/%s\"", type, name) <
		       (int)sizeof(ret->text);
}

bool where_of(const struct intent *in, const char *interface, struct where *ret)
{
	memset(ret, 0, sizeof(*ret));
	switch (in->family) {
	case AF_INET:
	case AF_INET6:
	case AF_RDS:
	case AF_SMC:
		return inet_where(in, ret);
	case AF_PACKET:
	case AF_CAN:
		return in->addr.ss.ss_family == in->family && link_where(in, interface, ret);
	case AF_NETLINK:
		return netlink_where(in, ret);
	case AF_VSOCK:
		return vsock_where(in, ret);
	case AF_ALG:
		return alg_where(in, ret);
	default:
		return false;
	}
}
