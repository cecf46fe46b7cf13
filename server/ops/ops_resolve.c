/* SPDX-License-Identifier: Apache-2.0 */
/* ops_resolve.c - getaddrinfo(3) and getnameinfo(3). */
#include "ops/ops.h"

#include <arpa/inet.h>
#include <locale.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

#include "ops/lookup.h"

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

/* What getaddrinfo(3) does not look up, as AI_NUMERICHOST has it. */
static bool is_numeric(const char *node)
{
	return is_ipv4(node) || is_ipv6(node);
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

int get_addr_info_intent(struct call *c)
{
	const Sockbroker__V1__GetAddrInfoRequest *req = REQUEST(c, GetAddrInfo);
	bool named = req->host_case == SOCKBROKER__V1__GET_ADDR_INFO_REQUEST__HOST_NODE;
	const char *node;

	if (named && name_check(&req->node) < 0)
		return -EINVAL;
	if (req->port_case && name_check(&req->service) < 0)
		return -EINVAL;
	if (!named || req->flags & AI_NUMERICHOST)
		return no_intent(c);
	node = name_text(&c->arena, &req->node);
	if (!node)
		return -ENOMEM;
	return is_numeric(node) ? no_intent(c) : resolve_intent(c, node);
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

/* What was found to be numeric, and so was not judged, is not looked up either. */
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
	if (node && is_numeric(node))
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

int get_addr_info_attempt(struct call *c)
{
	return errand_attempt(c, look_up_addresses);
}

/* ---- getnameinfo ----------------------------------------------------------- */

int get_name_info_intent(struct call *c)
{
	const Sockbroker__V1__GetNameInfoRequest *req = REQUEST(c, GetNameInfo);
	struct sock_addr a;
	int r = addr_decode(req->address, &a);
	char text[INET6_ADDRSTRLEN];

	if (r < 0)
		return r;
	if (req->host_length > NI_MAXHOST || req->service_length > NI_MAXHOST)
		return -EINVAL;
	if (!req->host_length || req->flags & NI_NUMERICHOST)
		return no_intent(c);
	if (a.ss.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&a.ss)->sin_addr, text, sizeof(text));
	else if (a.ss.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&a.ss)->sin6_addr, text, sizeof(text));
	else
		return no_intent(c); /* a unix socket's is this host; others have none */
	return resolve_intent(c, text);
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
	rep->gai_error = getnameinfo((struct sockaddr *)&a.ss, a.len,
				     req->host_length ? host : NULL, req->host_length,
				     req->service_length ? service : NULL, req->service_length,
				     (int)req->flags);
	r = system_error(&rep->gai_error);
	uselocale(before);
	if (rep->gai_error || r < 0)
		return r;
	r = put_text(&e->arena, host, &rep->host);
	return r < 0 ? r : put_text(&e->arena, service, &rep->service);
}

int get_name_info_attempt(struct call *c)
{
	return errand_attempt(c, look_up_name);
}
