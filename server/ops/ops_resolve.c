/* SPDX-License-Identifier: Apache-2.0 */
/* ops_resolve.c - getaddrinfo(3) and getnameinfo(3). */
#include "ops/ops.h"

#include <arpa/inet.h>
#include <locale.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "call/judge.h"
#include "ops/idn.h"
#include "ops/lookup.h"
#include "policy/host.h"

enum { RESULTS_MAX = 4096 };

/* ---- names that are addresses ---------------------------------------------- */

static bool is_ipv4(const char *text)
{
	struct in_addr in;

	/* inet_aton(3) takes what follows a space for somebody else's. */
	return !text[strcspn(text, " \t\n\v\f\r")] && inet_aton(text, &in);
}

static bool is_ipv6(const char *text)
{
	char address[INET6_ADDRSTRLEN] = "";
	size_t n = strcspn(text, "%"); /* before the scope */
	struct in6_addr in6;

	if (n >= sizeof(address))
		return false;
	memcpy(address, text, n);
	return inet_pton(AF_INET6, address, &in6) == 1;
}

/* An address, and what can be no name, need not be looked up; and are not, with
 * AI_NUMERICHOST. */
static bool must_look_up(const char *node)
{
	char name[HOST_BYTES];

	return !is_ipv4(node) && !is_ipv6(node) && host_normalize(node, name);
}

/* ---- the locale ------------------------------------------------------------ */

/* AI_IDN and NI_IDN convert from and to the locale's characters: on the wire,
 * UTF-8. */
static locale_t utf8;
static pthread_once_t utf8_once = PTHREAD_ONCE_INIT;

static void make_utf8(void)
{
	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static locale_t enter_utf8(void)
{
	pthread_once(&utf8_once, make_utf8);
	return uselocale(utf8); /* (locale_t)0, without such a locale, changes nothing */
}

/* What EAI_SYSTEM means. */
static int system_error(int32_t *gai_error)
{
	if (*gai_error != EAI_SYSTEM)
		return 0;
	if (errno != EAGAIN)
		return errno ? -errno : -EIO;
	*gai_error = EAI_AGAIN;
	return 0;
}

/* ---- getaddrinfo ----------------------------------------------------------- */

static bool is_ascii(const char *name)
{
	while (*name && !(*name & 0x80))
		name++;
	return !*name;
}

/* AI_IDN turns a name into another before it is looked up. We do so before it is judged; where
 * we can't, it is judged, and perhaps looked up, as it is. */
static int encode_node(struct call *c, Sockbroker__V1__GetAddrInfoRequest *req, const char **node)
{
	char *encoded = req->flags & AI_IDN && !is_ascii(*node) ? idn_encode(*node) : NULL;
	int r;

	if (!encoded)
		return 0;
	r = put_text(&c->arena, encoded, &req->node);
	free(encoded);
	*node = r == 0 ? name_text(&c->arena, &req->node) : NULL;
	return *node ? 0 : -ENOMEM;
}

int get_addr_info_intent(struct call *c)
{
	Sockbroker__V1__GetAddrInfoRequest *req = (void *)c->request;
	bool named = req->host_case == SOCKBROKER__V1__GET_ADDR_INFO_REQUEST__HOST_NODE;
	const char *node;

	if (named && name_check(&req->node) < 0)
		return -EINVAL;
	if (req->port_case && name_check(&req->service) < 0)
		return -EINVAL;
	if (!named || req->flags & AI_NUMERICHOST)
		return no_intent(c);
	node = name_text(&c->arena, &req->node);
	if (!node || encode_node(c, req, &node) < 0)
		return -ENOMEM;
	return must_look_up(node) ? resolve_intent(c, node) : no_intent(c);
}

static int put_result(struct errand *e, const struct addrinfo *found, Sockbroker__V1__AddrInfo **ret)
{
	Sockbroker__V1__AddrInfo *out = arena_alloc(&e->arena, sizeof(*out));
	int r;

	if (!out)
		return -ENOMEM;
	sockbroker__v1__addr_info__init(out);
	out->flags = ERRAND_REQUEST(e, GetAddrInfo)->flags;
	out->family = found->ai_family;
	out->type = found->ai_socktype;
	out->protocol = found->ai_protocol;
	r = addr_encode(found->ai_addr, found->ai_addrlen, &e->arena.allocator, &out->address);
	if (r == 0 && found->ai_canonname)
		r = put_text(&e->arena, found->ai_canonname, &out->canonical_name);
	*ret = out;
	return r;
}

static int put_results(struct errand *e, const struct addrinfo *found)
{
	Sockbroker__V1__GetAddrInfoReply *rep = ERRAND_REPLY(e, GetAddrInfo);
	size_t n = 0;
	int r = 0;

	for (const struct addrinfo *i = found; i && n < RESULTS_MAX; i = i->ai_next)
		n++;
	rep->results = arena_alloc(&e->arena, n * sizeof(rep->results[0]));
	if (!rep->results)
		return -ENOMEM;
	for (; r == 0 && rep->n_results < n; found = found->ai_next)
		r = put_result(e, found, &rep->results[rep->n_results++]);
	return r;
}

/* What was not judged is not looked up. */
static int look_up_addresses(struct errand *e)
{
	const Sockbroker__V1__GetAddrInfoRequest *req = ERRAND_REQUEST(e, GetAddrInfo);
	int32_t *gai_error = &ERRAND_REPLY(e, GetAddrInfo)->gai_error;
	struct addrinfo hints = { .ai_flags = (int)req->flags, .ai_family = req->family,
				  .ai_socktype = req->type, .ai_protocol = req->protocol };
	struct addrinfo *found = NULL;
	char *node = NULL, *service = NULL;
	locale_t before;
	int r;

	if (req->host_case && !(node = name_text(&e->arena, &req->node)))
		return -ENOMEM;
	if (req->port_case && !(service = name_text(&e->arena, &req->service)))
		return -ENOMEM;
	if (node && !must_look_up(node))
		hints.ai_flags |= AI_NUMERICHOST;
	before = enter_utf8();
	errno = 0;
	*gai_error = getaddrinfo(node, service, &hints, &found);
	r = system_error(gai_error);
	uselocale(before);
	if (*gai_error || r < 0)
		return r;
	r = put_results(e, found);
	freeaddrinfo(found);
	return r;
}

/* What a judged name has, the session may be allowed to reach. */
static int grant_results(struct call *c)
{
	Sockbroker__V1__GetAddrInfoReply *rep = REPLY(c, GetAddrInfo);
	struct sock_addr *addrs = arena_alloc(&c->arena, rep->n_results * sizeof(*addrs));
	int r = addrs ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < rep->n_results; i++)
		r = addr_decode(rep->results[i]->address, &addrs[i]);
	if (r == 0)
		r = call_grant(c, addrs, rep->n_results);
	if (r < 0)
		sockbroker__v1__get_addr_info_reply__init(rep);
	return r;
}

/* Services by name are the name service's too. */
static bool is_number(const ProtobufCBinaryData *service)
{
	for (size_t i = 0; i < service->len; i++)
		if (service->data[i] < '0' || service->data[i] > '9')
			return false;
	return true;
}

int get_addr_info_attempt(struct call *c)
{
	int r;

	if (c->intent.action == ACTION_NONE && is_number(&REQUEST(c, GetAddrInfo)->service))
		return errand_at_once(c, look_up_addresses);
	r = errand_attempt(c, look_up_addresses);
	return r < 0 || c->intent.action == ACTION_NONE ? r : grant_results(c);
}

/* ---- getnameinfo ----------------------------------------------------------- */

int get_name_info_intent(struct call *c)
{
	const Sockbroker__V1__GetNameInfoRequest *req = REQUEST(c, GetNameInfo);
	struct sock_addr a;
	int r = addr_decode(req->address, &a);

	if (r < 0)
		return r;
	if (req->host_length > NI_MAXHOST || req->service_length > NI_MAXHOST)
		return -EINVAL;
	if (!req->host_length || req->flags & NI_NUMERICHOST)
		return no_intent(c);
	/* A unix socket's host is this one; others have none. */
	if (a.ss.ss_family != AF_INET && a.ss.ss_family != AF_INET6)
		return no_intent(c);
	return reverse_intent(c, &a);
}

static int look_up_name(struct errand *e)
{
	const Sockbroker__V1__GetNameInfoRequest *req = ERRAND_REQUEST(e, GetNameInfo);
	Sockbroker__V1__GetNameInfoReply *rep = ERRAND_REPLY(e, GetNameInfo);
	char host[NI_MAXHOST] = "", service[NI_MAXHOST] = "";
	struct sock_addr a;
	locale_t before;
	int r = addr_decode(req->address, &a);

	if (r < 0)
		return r;
	before = enter_utf8();
	errno = 0;
	rep->gai_error = getnameinfo((struct sockaddr *)&a.ss, a.len, host, req->host_length,
				     service, req->service_length, (int)req->flags);
	r = system_error(&rep->gai_error);
	uselocale(before);
	if (rep->gai_error || r < 0)
		return r;
	r = put_text(&e->arena, host, &rep->host);
	return r < 0 ? r : put_text(&e->arena, service, &rep->service);
}

int get_name_info_attempt(struct call *c)
{
	const Sockbroker__V1__GetNameInfoRequest *req = REQUEST(c, GetNameInfo);

	if (c->intent.action == ACTION_NONE && (!req->service_length || req->flags & NI_NUMERICSERV))
		return errand_at_once(c, look_up_name);
	return errand_attempt(c, look_up_name);
}
