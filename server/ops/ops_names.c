/* SPDX-License-Identifier: Apache-2.0 */
/* ops_names.c - names of protocols, services, interfaces and constants. */
#include "ops/ops.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "ops/lookup.h"
#include "wire/constants.h"

/* The _r functions return an errno, or 0 and perhaps nothing. ENOENT is nothing too. */
static int not_found(int result)
{
	return result == ENOENT ? 0 : -result;
}

/* ---- protocols --------------------------------------------------------------- */

int get_proto_by_name_intent(struct call *c)
{
	int r = name_check(&REQUEST(c, GetProtoByName)->name);

	return r < 0 ? r : no_intent(c);
}

static int ask_proto(struct errand *e, char *room, size_t size)
{
	const char *name = name_text(&e->arena, &ERRAND_REQUEST(e, GetProtoByName)->name);
	Sockbroker__V1__Protocol *out = arena_alloc(&e->arena, sizeof(*out));
	struct protoent proto, *found = NULL;
	int r;

	if (!name || !out)
		return -ENOMEM;
	r = getprotobyname_r(name, &proto, room, size, &found);
	if (!found)
		return not_found(r);
	sockbroker__v1__protocol__init(out);
	out->number = found->p_proto;
	ERRAND_REPLY(e, GetProtoByName)->protocol = out;
	r = put_text(&e->arena, found->p_name, &out->name);
	return r < 0 ? r : put_list(&e->arena, found->p_aliases, 0, &out->n_aliases, &out->aliases);
}

static int look_up_proto(struct errand *e)
{
	return ask_with_room(e, ask_proto);
}

int get_proto_by_name_attempt(struct call *c)
{
	return errand_attempt(c, look_up_proto);
}

/* ---- services ------------------------------------------------------------------ */

static int put_service(struct errand *e, const struct servent *found, Sockbroker__V1__Service **ret)
{
	Sockbroker__V1__Service *out = arena_alloc(&e->arena, sizeof(*out));
	int r;

	if (!out)
		return -ENOMEM;
	sockbroker__v1__service__init(out);
	*ret = out;
	out->port = ntohs((uint16_t)found->s_port);
	r = put_text(&e->arena, found->s_name, &out->name);
	if (r == 0)
		r = put_text(&e->arena, found->s_proto, &out->protocol);
	return r < 0 ? r : put_list(&e->arena, found->s_aliases, 0, &out->n_aliases, &out->aliases);
}

int get_serv_by_name_intent(struct call *c)
{
	const Sockbroker__V1__GetServByNameRequest *req = REQUEST(c, GetServByName);

	if (name_check(&req->name) < 0 || (req->transport_case && name_check(&req->protocol) < 0))
		return -EINVAL;
	return no_intent(c);
}

static int ask_serv_by_name(struct errand *e, char *room, size_t size)
{
	const Sockbroker__V1__GetServByNameRequest *req = ERRAND_REQUEST(e, GetServByName);
	const char *name = name_text(&e->arena, &req->name);
	const char *protocol = req->transport_case ? name_text(&e->arena, &req->protocol) : NULL;
	struct servent service, *found = NULL;
	int r;

	if (!name || (req->transport_case && !protocol))
		return -ENOMEM;
	r = getservbyname_r(name, protocol, &service, room, size, &found);
	return found ? put_service(e, found, &ERRAND_REPLY(e, GetServByName)->service) : not_found(r);
}

static int look_up_serv_by_name(struct errand *e)
{
	return ask_with_room(e, ask_serv_by_name);
}

int get_serv_by_name_attempt(struct call *c)
{
	return errand_attempt(c, look_up_serv_by_name);
}

int get_serv_by_port_intent(struct call *c)
{
	const Sockbroker__V1__GetServByPortRequest *req = REQUEST(c, GetServByPort);

	if (req->port > UINT16_MAX || (req->transport_case && name_check(&req->protocol) < 0))
		return -EINVAL;
	return no_intent(c);
}

static int ask_serv_by_port(struct errand *e, char *room, size_t size)
{
	const Sockbroker__V1__GetServByPortRequest *req = ERRAND_REQUEST(e, GetServByPort);
	const char *protocol = req->transport_case ? name_text(&e->arena, &req->protocol) : NULL;
	struct servent service, *found = NULL;
	int r;

	if (req->transport_case && !protocol)
		return -ENOMEM;
	r = getservbyport_r(htons((uint16_t)req->port), protocol, &service, room, size, &found);
	return found ? put_service(e, found, &ERRAND_REPLY(e, GetServByPort)->service) : not_found(r);
}

static int look_up_serv_by_port(struct errand *e)
{
	return ask_with_room(e, ask_serv_by_port);
}

int get_serv_by_port_attempt(struct call *c)
{
	return errand_attempt(c, look_up_serv_by_port);
}

/* ---- interfaces ------------------------------------------------------------------ */

static int put_interfaces(struct errand *e, const struct if_nameindex *found)
{
	Sockbroker__V1__IfNameIndexReply *rep = ERRAND_REPLY(e, IfNameIndex);
	size_t n = 0;

	while (found[n].if_index)
		n++;
	rep->interfaces = arena_alloc(&e->arena, n * sizeof(rep->interfaces[0]));
	if (!rep->interfaces)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		Sockbroker__V1__Interface *out = arena_alloc(&e->arena, sizeof(*out));

		if (!out)
			return -ENOMEM;
		sockbroker__v1__interface__init(out);
		out->index = found[i].if_index;
		if (put_text(&e->arena, found[i].if_name, &out->name) < 0)
			return -ENOMEM;
		rep->interfaces[rep->n_interfaces++] = out;
	}
	return 0;
}

/* It waits for who changes interfaces just now, so it is not for a shard. */
static int list_interfaces(struct errand *e)
{
	struct if_nameindex *found = if_nameindex();
	int r;

	if (!found)
		return -errno;
	r = put_interfaces(e, found);
	if_freenameindex(found);
	return r;
}

int if_name_index_attempt(struct call *c)
{
	return errand_attempt(c, list_interfaces);
}

int if_name_to_index_intent(struct call *c)
{
	int r = name_check(&REQUEST(c, IfNameToIndex)->name);

	return r < 0 ? r : no_intent(c);
}

int if_name_to_index_attempt(struct call *c)
{
	const char *name = name_text(&c->arena, &REQUEST(c, IfNameToIndex)->name);

	if (!name)
		return -ENOMEM;
	REPLY(c, IfNameToIndex)->index = if_nametoindex(name);
	return REPLY(c, IfNameToIndex)->index ? 0 : -errno;
}

int if_index_to_name_attempt(struct call *c)
{
	char name[IF_NAMESIZE];

	if (!if_indextoname(REQUEST(c, IfIndexToName)->index, name))
		return -errno;
	return put_text(&c->arena, name, &REPLY(c, IfIndexToName)->name);
}

/* ---- constants ------------------------------------------------------------------- */

enum { NAMES_MAX = 4096 };

/* Which rows are asked for; each once, however often it is. */
static int mark_wanted(const Sockbroker__V1__ConstantsRequest *req, const struct constant *all,
		       size_t n, bool *wanted)
{
	size_t length = strlen(req->prefix);

	if (req->n_names > NAMES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < req->n_names; i++) {
		const struct constant *found = constant_find(req->names[i]);

		if (found)
			wanted[found - all] = true;
	}
	for (size_t i = 0; i < n && (length || !req->n_names); i++)
		wanted[i] |= strncmp(all[i].name, req->prefix, length) == 0;
	return 0;
}

static int put_constant(struct call *c, const struct constant *found)
{
	Sockbroker__V1__ConstantsReply *rep = REPLY(c, Constants);
	Sockbroker__V1__Constant *out = arena_alloc(&c->arena, sizeof(*out));

	if (!out)
		return -ENOMEM;
	sockbroker__v1__constant__init(out);
	out->name = (char *)found->name; /* packed, and never freed piece by piece */
	out->value = found->value;
	rep->constants[rep->n_constants++] = out;
	return 0;
}

int constants_attempt(struct call *c)
{
	Sockbroker__V1__ConstantsReply *rep = REPLY(c, Constants);
	size_t n;
	const struct constant *all = constants_all(&n);
	bool *wanted = arena_zalloc(&c->arena, n);
	int r = wanted ? mark_wanted(REQUEST(c, Constants), all, n, wanted) : -ENOMEM;

	rep->constants = arena_alloc(&c->arena, n * sizeof(rep->constants[0]));
	if (r == 0 && !rep->constants)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (wanted[i])
			r = put_constant(c, &all[i]);
	return r;
}
