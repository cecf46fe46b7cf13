/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_netdb.c - the functions of netdb.h whose result is the calling thread's:
 * hosts, protocols, services. What a thread was given last ends with it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_names.h"
#include "sockbroker.h"

enum { NAME_BYTES_MAX = 1024 };

struct results {
	struct hostent host;
	struct protoent protocol;
	struct servent service;
	struct arena of_host, of_protocol, of_service;
};

static pthread_key_t results_key;
static pthread_once_t results_once = PTHREAD_ONCE_INIT;

/* ---- names ----------------------------------------------------------------- */

bool name_put(const char *name, ProtobufCBinaryData *ret)
{
	ret->len = strnlen(name, NAME_BYTES_MAX + 1);
	ret->data = (uint8_t *)(uintptr_t)name; /* read only */
	return ret->len <= NAME_BYTES_MAX;
}

int name_take(const ProtobufCBinaryData *name, char *out, size_t size)
{
	if (name->len >= size)
		return -ENAMETOOLONG;
	if (name->len)
		memcpy(out, name->data, name->len);
	out[name->len] = 0;
	return 0;
}

char *name_copy(struct arena *arena, const ProtobufCBinaryData *name)
{
	char *copy = arena_alloc(arena, name->len + 1);

	if (copy)
		(void)name_take(name, copy, name->len + 1);
	return copy;
}

char **names_copy(struct arena *arena, const ProtobufCBinaryData *names, size_t n)
{
	char **copies = arena_zalloc(arena, (n + 1) * sizeof(*copies));

	for (size_t i = 0; copies && i < n; i++) {
		copies[i] = name_copy(arena, &names[i]);
		if (!copies[i])
			return NULL;
	}
	return copies;
}

/* ---- the thread's results -------------------------------------------------- */

static void results_free(void *results)
{
	struct results *r = results;

	arena_reset(&r->of_host);
	arena_reset(&r->of_protocol);
	arena_reset(&r->of_service);
	free(r);
}

static void results_make_key(void)
{
	if (pthread_key_create(&results_key, results_free) != 0)
		abort(); /* of 1024 keys a process has none left: nothing would work */
}

static struct results *results_get(void)
{
	struct results *r;

	pthread_once(&results_once, results_make_key);
	r = pthread_getspecific(results_key);
	if (r)
		return r;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	arena_init(&r->of_host);
	arena_init(&r->of_protocol);
	arena_init(&r->of_service);
	if (pthread_setspecific(results_key, r) == 0)
		return r;
	free(r);
	return NULL;
}

/* ---- hosts ------------------------------------------------------------------- */

static struct hostent *no_host(int r)
{
	h_errno = r == -EMFILE ? TRY_AGAIN : NETDB_INTERNAL;
	errno = -r;
	return NULL;
}

static struct hostent *host_give(const Sockbroker__V1__Host *found)
{
	struct results *r = results_get();
	struct hostent *host;

	if (!r || !found)
		return no_host(found ? -ENOMEM : -EPROTO);
	arena_reset(&r->of_host);
	host = &r->host;
	host->h_name = name_copy(&r->of_host, &found->name);
	host->h_aliases = names_copy(&r->of_host, found->aliases, found->n_aliases);
	host->h_addr_list = names_copy(&r->of_host, found->addresses, found->n_addresses);
	host->h_addrtype = found->family;
	host->h_length = found->family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
	if (!host->h_name || !host->h_aliases || !host->h_addr_list)
		return no_host(-ENOMEM);
	for (size_t i = 0; i < found->n_addresses; i++)
		if (found->addresses[i].len != (size_t)host->h_length)
			return no_host(-EPROTO);
	return host;
}

struct hostent *sb_gethostbyname2(const char *name, int af)
{
	Sockbroker__V1__GetHostByNameRequest request = SOCKBROKER__V1__GET_HOST_BY_NAME_REQUEST__INIT;
	const Sockbroker__V1__GetHostByNameReply *found;
	struct hostent *host = NULL;
	struct reply reply;
	int r;

	if (!name_put(name, &request.name)) {
		h_errno = HOST_NOT_FOUND;
		return NULL;
	}
	request.family = af;
	reply_init(&reply);
	r = api_ask("sb_gethostbyname", NULL, &request.base, &reply);
	found = (const Sockbroker__V1__GetHostByNameReply *)reply.message;
	if (r < 0)
		host = no_host(r);
	else if (found->host_error)
		h_errno = found->host_error;
	else
		host = host_give(found->host);
	reply_free(&reply);
	return host;
}

struct hostent *sb_gethostbyname(const char *name)
{
	return sb_gethostbyname2(name, AF_INET);
}

struct hostent *sb_gethostbyaddr(const void *addr, socklen_t len, int af)
{
	Sockbroker__V1__GetHostByAddrRequest request = SOCKBROKER__V1__GET_HOST_BY_ADDR_REQUEST__INIT;
	const Sockbroker__V1__GetHostByAddrReply *found;
	struct hostent *host = NULL;
	struct reply reply;
	int r;

	if (len > sizeof(struct in6_addr))
		return no_host(-EINVAL);
	request.address.data = (uint8_t *)(uintptr_t)addr; /* read only */
	request.address.len = len;
	request.family = af;
	reply_init(&reply);
	r = api_ask(__func__, NULL, &request.base, &reply);
	found = (const Sockbroker__V1__GetHostByAddrReply *)reply.message;
	if (r < 0)
		host = no_host(r);
	else if (found->host_error)
		h_errno = found->host_error;
	else
		host = host_give(found->host);
	reply_free(&reply);
	return host;
}

/* ---- protocols and services -------------------------------------------------- */

static struct protoent *protocol_give(const Sockbroker__V1__Protocol *found)
{
	struct results *r = results_get();
	struct protoent *p;

	errno = r ? 0 : ENOMEM;
	if (!r || !found)
		return NULL;
	arena_reset(&r->of_protocol);
	p = &r->protocol;
	p->p_name = name_copy(&r->of_protocol, &found->name);
	p->p_aliases = names_copy(&r->of_protocol, found->aliases, found->n_aliases);
	p->p_proto = found->number;
	return p->p_name && p->p_aliases ? p : NULL;
}

struct protoent *sb_getprotobyname(const char *name)
{
	Sockbroker__V1__GetProtoByNameRequest request = SOCKBROKER__V1__GET_PROTO_BY_NAME_REQUEST__INIT;
	struct protoent *p = NULL;
	struct reply reply;

	errno = 0;
	if (!name_put(name, &request.name))
		return NULL;
	reply_init(&reply);
	if (api_ask(__func__, NULL, &request.base, &reply) == 0)
		p = protocol_give(((const Sockbroker__V1__GetProtoByNameReply *)reply.message)->protocol);
	reply_free(&reply);
	return p;
}

static struct servent *service_give(const Sockbroker__V1__Service *found)
{
	struct results *r = results_get();
	struct servent *s;

	errno = r ? 0 : ENOMEM;
	if (!r || !found)
		return NULL;
	arena_reset(&r->of_service);
	s = &r->service;
	s->s_name = name_copy(&r->of_service, &found->name);
	s->s_aliases = names_copy(&r->of_service, found->aliases, found->n_aliases);
	s->s_port = htons((uint16_t)found->port);
	s->s_proto = name_copy(&r->of_service, &found->protocol);
	return s->s_name && s->s_aliases && s->s_proto ? s : NULL;
}

struct servent *sb_getservbyname(const char *name, const char *proto)
{
	Sockbroker__V1__GetServByNameRequest request = SOCKBROKER__V1__GET_SERV_BY_NAME_REQUEST__INIT;
	struct servent *s = NULL;
	struct reply reply;

	errno = 0;
	if (!name_put(name, &request.name) || (proto && !name_put(proto, &request.protocol)))
		return NULL;
	if (proto)
		request.transport_case = SOCKBROKER__V1__GET_SERV_BY_NAME_REQUEST__TRANSPORT_PROTOCOL;
	reply_init(&reply);
	if (api_ask(__func__, NULL, &request.base, &reply) == 0)
		s = service_give(((const Sockbroker__V1__GetServByNameReply *)reply.message)->service);
	reply_free(&reply);
	return s;
}

struct servent *sb_getservbyport(int port, const char *proto)
{
	Sockbroker__V1__GetServByPortRequest request = SOCKBROKER__V1__GET_SERV_BY_PORT_REQUEST__INIT;
	struct servent *s = NULL;
	struct reply reply;

	errno = 0;
	if (proto && !name_put(proto, &request.protocol))
		return NULL;
	if (proto)
		request.transport_case = SOCKBROKER__V1__GET_SERV_BY_PORT_REQUEST__TRANSPORT_PROTOCOL;
	request.port = ntohs((uint16_t)port);
	reply_init(&reply);
	if (api_ask(__func__, NULL, &request.base, &reply) == 0)
		s = service_give(((const Sockbroker__V1__GetServByPortReply *)reply.message)->service);
	reply_free(&reply);
	return s;
}
