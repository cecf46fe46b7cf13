/* SPDX-License-Identifier: Apache-2.0 */
/* api_resolve.c - sb_getaddrinfo() and sb_getnameinfo(). */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_names.h"
#include "sockbroker.h"
#include "wire/addr.h"

/* What the broker refuses, as an EAI_* and perhaps errno. */
static int eai_of(int r)
{
	if (r == -EMFILE)
		return EAI_AGAIN;
	if (r == -ENOMEM)
		return EAI_MEMORY;
	errno = r == -EAGAIN ? ETIMEDOUT : -r;
	return EAI_SYSTEM;
}

/* ---- addresses of a name --------------------------------------------------- */

/* An entry and its address are one block, as glibc's. */
static int entry_make(const Sockbroker__V1__AddrInfo *in, struct addrinfo **ret)
{
	struct sock_addr addr;
	struct addrinfo *out;
	int r = addr_decode(in->address, &addr);

	if (r < 0)
		return r;
	out = calloc(1, sizeof(*out) + addr.len);
	if (!out)
		return -ENOMEM;
	*ret = out;
	out->ai_flags = (int)in->flags;
	out->ai_family = in->family;
	out->ai_socktype = in->type;
	out->ai_protocol = in->protocol;
	out->ai_addrlen = addr.len;
	out->ai_addr = (struct sockaddr *)(out + 1);
	memcpy(out->ai_addr, &addr.ss, addr.len);
	if (!in->canonical_name.len)
		return 0;
	out->ai_canonname = strndup((const char *)in->canonical_name.data, in->canonical_name.len);
	return out->ai_canonname ? 0 : -ENOMEM;
}

static int list_make(const Sockbroker__V1__GetAddrInfoReply *found, struct addrinfo **ret)
{
	struct addrinfo *list = NULL, **end = &list;
	int r = 0;

	for (size_t i = 0; r == 0 && i < found->n_results; i++) {
		r = entry_make(found->results[i], end);
		if (*end)
			end = &(*end)->ai_next;
	}
	if (r < 0 || !list) {
		sb_freeaddrinfo(list);
		return r < 0 ? eai_of(r) : EAI_NONAME;
	}
	*ret = list;
	return 0;
}

void sb_freeaddrinfo(struct addrinfo *list)
{
	while (list) {
		struct addrinfo *next = list->ai_next;

		free(list->ai_canonname);
		free(list);
		list = next;
	}
}

static void hints_put(const struct addrinfo *hints, Sockbroker__V1__GetAddrInfoRequest *request)
{
	static const struct addrinfo none = { .ai_flags = AI_V4MAPPED | AI_ADDRCONFIG };

	if (!hints)
		hints = &none;
	request->flags = (uint32_t)hints->ai_flags;
	request->family = hints->ai_family;
	request->type = hints->ai_socktype;
	request->protocol = hints->ai_protocol;
}

int sb_getaddrinfo_at(sb_broker *broker, const char *node, const char *service,
		      const struct addrinfo *hints, int64_t timeout_ns, struct addrinfo **res)
{
	Sockbroker__V1__GetAddrInfoRequest request = SOCKBROKER__V1__GET_ADDR_INFO_REQUEST__INIT;
	const Sockbroker__V1__GetAddrInfoReply *found;
	struct reply reply;
	int r;

	hints_put(hints, &request);
	if (node && !name_put(node, &request.node))
		return EAI_NONAME;
	if (service && !name_put(service, &request.service))
		return EAI_SERVICE;
	if (node)
		request.host_case = SOCKBROKER__V1__GET_ADDR_INFO_REQUEST__HOST_NODE;
	if (service)
		request.port_case = SOCKBROKER__V1__GET_ADDR_INFO_REQUEST__PORT_SERVICE;
	if (timeout_ns >= 0)
		request.timeout_case = SOCKBROKER__V1__GET_ADDR_INFO_REQUEST__TIMEOUT_TIMEOUT_NS;
	request.timeout_ns = timeout_ns >= 0 ? (uint64_t)timeout_ns : 0;
	reply_init(&reply);
	r = api_ask("sb_getaddrinfo", broker, &request.base, &reply);
	found = (const Sockbroker__V1__GetAddrInfoReply *)reply.message;
	if (r < 0)
		r = eai_of(r);
	else
		r = found->gai_error ? found->gai_error : list_make(found, res);
	reply_free(&reply);
	return r;
}

int sb_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		   struct addrinfo **res)
{
	return sb_getaddrinfo_at(NULL, node, service, hints, -1, res);
}

/* ---- name of an address ---------------------------------------------------- */

static int text_take(const ProtobufCBinaryData *text, char *out, size_t size)
{
	if (!out || !size)
		return 0;
	return name_take(text, out, size) < 0 ? EAI_OVERFLOW : 0;
}

static uint32_t room_of(const char *out, socklen_t size)
{
	return !out ? 0 : size < NI_MAXHOST ? size : NI_MAXHOST;
}

static int address_put(const struct sockaddr *addr, socklen_t addrlen, struct arena *arena,
		       Sockbroker__V1__Address **ret)
{
	int family = addr && addrlen >= sizeof(sa_family_t) ? addr->sa_family : AF_UNSPEC;
	int r;

	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return EAI_FAMILY;
	r = api_address_take(addr, addrlen, arena, ret);
	return r == 0 ? 0 : r == -ENOMEM ? EAI_MEMORY : EAI_FAMILY;
}

static int name_ask(const Sockbroker__V1__GetNameInfoRequest *request, char *host, socklen_t hostlen,
		    char *serv, socklen_t servlen)
{
	const Sockbroker__V1__GetNameInfoReply *found;
	struct reply reply;
	int r;

	reply_init(&reply);
	r = api_ask("sb_getnameinfo", NULL, &request->base, &reply);
	found = (const Sockbroker__V1__GetNameInfoReply *)reply.message;
	r = r < 0 ? eai_of(r) : found->gai_error;
	if (r == 0)
		r = text_take(&found->host, host, hostlen);
	if (r == 0)
		r = text_take(&found->service, serv, servlen);
	reply_free(&reply);
	return r;
}

int sb_getnameinfo(const struct sockaddr *addr, socklen_t addrlen, char *host, socklen_t hostlen,
		   char *serv, socklen_t servlen, int flags)
{
	Sockbroker__V1__GetNameInfoRequest request = SOCKBROKER__V1__GET_NAME_INFO_REQUEST__INIT;
	struct arena arena;
	int r;

	if (!host && !serv && flags & NI_NAMEREQD)
		return EAI_NONAME;
	request.flags = (uint32_t)flags;
	request.host_length = room_of(host, hostlen);
	request.service_length = room_of(serv, servlen);
	arena_init(&arena);
	r = address_put(addr, addrlen, &arena, &request.address);
	if (r == 0)
		r = name_ask(&request, host, hostlen, serv, servlen);
	arena_reset(&arena);
	return r;
}
