/* SPDX-License-Identifier: Apache-2.0 */
/* ops_host.c - gethostbyname(3) and its kin; the host's own name. */
#include "ops/ops.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netdb.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "call/judge.h"
#include "ops/lookup.h"
#include "policy/host.h"

/* ---- both ways --------------------------------------------------------------- */

/* 0: there are no addresses of such a family. */
static size_t address_bytes(int family)
{
	if (family == AF_INET)
		return sizeof(struct in_addr);
	return family == AF_INET6 ? sizeof(struct in6_addr) : 0;
}

static void make_address(int family, const ProtobufCBinaryData *bytes, struct sock_addr *ret)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&ret->ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&ret->ss;
	void *at = family == AF_INET ? (void *)&sin->sin_addr : (void *)&sin6->sin6_addr;

	*ret = (struct sock_addr){ .len = family == AF_INET ? sizeof(*sin) : sizeof(*sin6) };
	ret->ss.ss_family = (sa_family_t)family;
	memcpy(at, bytes->data, address_bytes(family));
}

static int put_host(struct errand *e, const struct hostent *found, Sockbroker__V1__Host **ret)
{
	Sockbroker__V1__Host *out = arena_alloc(&e->arena, sizeof(*out));
	int r;

	if (!out)
		return -ENOMEM;
	sockbroker__v1__host__init(out);
	*ret = out;
	out->family = found->h_addrtype;
	r = put_text(&e->arena, found->h_name, &out->name);
	if (r == 0)
		r = put_list(&e->arena, found->h_aliases, 0, &out->n_aliases, &out->aliases);
	if (r == 0)
		r = put_list(&e->arena, found->h_addr_list, (size_t)found->h_length,
			     &out->n_addresses, &out->addresses);
	return r;
}

/* The three ways in which gethostby*_r(3) tell what went wrong, as one. @result is
 * what it returned. */
static int host_failed(int result, int host_error, int32_t *ret)
{
	if (result == ERANGE && host_error == NETDB_INTERNAL)
		return -ERANGE;
	if (host_error == NETDB_INTERNAL)
		return result ? -result : -EIO;
	*ret = host_error;
	return 0;
}

/* ---- by name ------------------------------------------------------------------- */

/* What glibc does not look up but reads as an address, or as none. */
static bool is_digits(const char *name)
{
	size_t n = strlen(name);
	struct in6_addr in6;

	if (!n)
		return true; /* see look_up_by_name() */
	if (name[n - 1] != '.' && strspn(name, "0123456789.") == n && name[0] != '.')
		return true;
	return inet_pton(AF_INET6, name, &in6) == 1;
}

static bool must_look_up(const char *name)
{
	char normal[HOST_BYTES];

	return !is_digits(name) && host_normalize(name, normal);
}

int get_host_by_name_intent(struct call *c)
{
	const Sockbroker__V1__GetHostByNameRequest *req = REQUEST(c, GetHostByName);
	const char *name;

	if (name_check(&req->name) < 0)
		return -EINVAL;
	if (req->family && !address_bytes(req->family))
		return -EAFNOSUPPORT;
	name = name_text(&c->arena, &req->name);
	if (!name)
		return -ENOMEM;
	return must_look_up(name) ? resolve_intent(c, name) : no_intent(c);
}

static int ask_by_name(struct errand *e, char *room, size_t size)
{
	const Sockbroker__V1__GetHostByNameRequest *req = ERRAND_REQUEST(e, GetHostByName);
	Sockbroker__V1__GetHostByNameReply *rep = ERRAND_REPLY(e, GetHostByName);
	const char *name = name_text(&e->arena, &req->name);
	struct hostent host, *found = NULL;
	int host_error = 0, r;

	if (!name)
		return -ENOMEM;
	r = gethostbyname2_r(name, req->family ? req->family : AF_INET, &host, room, size, &found,
			     &host_error);
	return found ? put_host(e, found, &rep->host) : host_failed(r, host_error, &rep->host_error);
}

static int look_up_by_name(struct errand *e)
{
	const char *name = name_text(&e->arena, &ERRAND_REQUEST(e, GetHostByName)->name);

	if (!name)
		return -ENOMEM;
	/* What was not judged is not looked up; glibc would say the same of it. */
	if (!is_digits(name) && !must_look_up(name)) {
		ERRAND_REPLY(e, GetHostByName)->host_error = *name ? HOST_NOT_FOUND : NO_RECOVERY;
		return 0;
	}
	return ask_with_room(e, ask_by_name);
}

/* What a judged name has, the session may be allowed to reach. */
static int grant_host(struct call *c, Sockbroker__V1__GetHostByNameReply *rep)
{
	const Sockbroker__V1__Host *host = rep->host;
	struct sock_addr *addrs = arena_alloc(&c->arena, host->n_addresses * sizeof(*addrs));
	int r = addrs ? 0 : -ENOMEM;

	for (size_t i = 0; addrs && i < host->n_addresses; i++)
		make_address(host->family, &host->addresses[i], &addrs[i]);
	if (r == 0)
		r = call_grant(c, addrs, host->n_addresses);
	if (r < 0)
		rep->host = NULL;
	return r;
}

int get_host_by_name_attempt(struct call *c)
{
	int r;

	if (c->intent.action == ACTION_NONE)
		return errand_at_once(c, look_up_by_name);
	r = errand_attempt(c, look_up_by_name);
	return r < 0 || !REPLY(c, GetHostByName)->host ? r : grant_host(c, REPLY(c, GetHostByName));
}

/* ---- by address ---------------------------------------------------------------- */

int get_host_by_addr_intent(struct call *c)
{
	const Sockbroker__V1__GetHostByAddrRequest *req = REQUEST(c, GetHostByAddr);
	struct sock_addr a;

	if (!address_bytes(req->family))
		return -EAFNOSUPPORT;
	if (req->address.len != address_bytes(req->family))
		return -EINVAL;
	make_address(req->family, &req->address, &a);
	return reverse_intent(c, &a);
}

static int ask_by_addr(struct errand *e, char *room, size_t size)
{
	const Sockbroker__V1__GetHostByAddrRequest *req = ERRAND_REQUEST(e, GetHostByAddr);
	Sockbroker__V1__GetHostByAddrReply *rep = ERRAND_REPLY(e, GetHostByAddr);
	struct hostent host, *found = NULL;
	int host_error = 0, r;

	r = gethostbyaddr_r(req->address.data, (socklen_t)req->address.len, req->family, &host, room,
			    size, &found, &host_error);
	return found ? put_host(e, found, &rep->host) : host_failed(r, host_error, &rep->host_error);
}

static int look_up_by_addr(struct errand *e)
{
	return ask_with_room(e, ask_by_addr);
}

int get_host_by_addr_attempt(struct call *c)
{
	return errand_attempt(c, look_up_by_addr);
}

/* ---- the host's own name --------------------------------------------------------- */

int get_host_name_attempt(struct call *c)
{
	struct utsname host;

	if (uname(&host) < 0)
		return -errno;
	return put_text(&c->arena, host.nodename, &REPLY(c, GetHostName)->name);
}

int set_host_name_intent(struct call *c)
{
	c->intent.action = ACTION_SETHOSTNAME;
	return REQUEST(c, SetHostName)->name.len > HOST_NAME_MAX ? -EINVAL : 0;
}

int set_host_name_attempt(struct call *c)
{
	const ProtobufCBinaryData *name = &REQUEST(c, SetHostName)->name;

	return sys_result(sethostname(name->len ? (const char *)name->data : "", name->len));
}
