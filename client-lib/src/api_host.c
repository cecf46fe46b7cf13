/* SPDX-License-Identifier: Apache-2.0 */
/* api_host.c - the names of the broker's host. */
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "api.h"
#include "api_names.h"
#include "sockbroker.h"

/* As glibc: what fits is there, terminated only if all of it did. */
int sb_gethostname(char *name, size_t len)
{
	Sockbroker__V1__GetHostNameRequest request = SOCKBROKER__V1__GET_HOST_NAME_REQUEST__INIT;
	const ProtobufCBinaryData *found;
	struct reply reply;
	int r;

	reply_init(&reply);
	r = api_ask(__func__, NULL, &request.base, &reply);
	if (r == 0) {
		found = &((const Sockbroker__V1__GetHostNameReply *)reply.message)->name;
		r = name_take(found, name, len);
		if (r < 0) {
			memcpy(name, found->data, len);
			(void)api_local(__func__, r);
		}
	}
	reply_free(&reply);
	return r < 0 ? -1 : 0;
}

int sb_sethostname(const char *name, size_t len)
{
	Sockbroker__V1__SetHostNameRequest request = SOCKBROKER__V1__SET_HOST_NAME_REQUEST__INIT;

	if (len > HOST_NAME_MAX)
		return (int)api_local(__func__, -EINVAL);
	request.name.data = (uint8_t *)(uintptr_t)name; /* read only */
	request.name.len = len;
	return api_ask(__func__, NULL, &request.base, NULL) < 0 ? -1 : 0;
}

/* ---- the full name ----------------------------------------------------------- */

static struct hostent *host_of(const struct addrinfo *a)
{
	if (a->ai_family == AF_INET)
		return sb_gethostbyaddr(&((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr,
					sizeof(struct in_addr), AF_INET);
	return sb_gethostbyaddr(&((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr,
				sizeof(struct in6_addr), AF_INET6);
}

/* NULL: it has none. */
static const char *full_name(const char *name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found;
	struct hostent *host;

	if (sb_getaddrinfo(name, NULL, &hints, &found) != 0)
		return NULL;
	host = host_of(found);
	sb_freeaddrinfo(found);
	if (!host || strchr(host->h_name, '.'))
		return host ? host->h_name : NULL;
	for (char **alias = host->h_aliases; *alias; alias++)
		if (strchr(*alias, '.'))
			return *alias;
	return host->h_name;
}

int sb_getfqdn(const char *name, char *buf, size_t len)
{
	char own[HOST_NAME_MAX + 1];
	const char *full;

	if (!name || !*name || !strcmp(name, "0.0.0.0") || !strcmp(name, "::")) {
		if (sb_gethostname(own, sizeof(own)) < 0)
			return -1;
		name = own;
	}
	full = full_name(name);
	if (!full)
		full = name;
	if (strlen(full) >= len)
		return (int)api_local(__func__, -ENAMETOOLONG);
	strcpy(buf, full);
	return 0;
}
