/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "broker.h"
#include "direct.h"
#include "fork.h"
#include "wire/addr.h"

ssize_t api_done(const char *call, struct sb_sock *s, ssize_t result)
{
	enum error_origin origin = ERROR_BROKER;

	/* Who asked the broker for nothing else has not met with its end yet. */
	if (rpc_has_ended(s->broker) || (result == -EPIPE && sock_is_real(s) && rpc_is_cut(s->broker)))
		origin = sock_is_real(s) ? ERROR_LEFT : ERROR_GONE;
	sock_put(s);
	return error_return(call, origin, result);
}

ssize_t api_local(const char *call, ssize_t result)
{
	return error_return(call, ERROR_LOCAL, result);
}

int api_broker(const char *call, struct sb_broker *given, struct sb_broker **ret)
{
	if (fork_is_child())
		return (int)api_local(call, -EBADF);
	return (int)error_return(call, ERROR_CONNECTING, broker_get(given, ret));
}

int api_call(struct sb_sock *s, const ProtobufCMessage *request, uint32_t *handle,
	     struct reply *out)
{
	if (sock_is_real(s))
		return direct_call(s, request, handle, out);
	*handle = s->handle;
	return rpc_call(s->broker, request, out);
}

int api_ask(const char *call, struct sb_broker *given, const ProtobufCMessage *request,
	    struct reply *out)
{
	struct sb_broker *b;
	int r;

	if (api_broker(call, given, &b) < 0)
		return -errno;
	r = rpc_call(b, request, out);
	(void)error_return(call, rpc_has_ended(b) ? ERROR_GONE : ERROR_BROKER, r);
	rpc_unref(b);
	return r;
}

int api_address_take(const struct sockaddr *addr, socklen_t addrlen, struct arena *arena,
		     Sockbroker__V1__Address **ret)
{
	static const struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_storage copy;

	if (addrlen > sizeof(copy))
		return -EINVAL;
	if (addrlen && !addr)
		return -EFAULT;
	if (addrlen < sizeof(sa_family_t))
		return -EINVAL;
	/* Aligned, and complete, whatever the program's is. */
	memset(&copy, 0, sizeof(copy));
	memcpy(&copy, addr, addrlen);
	/* The kernel itself names the longest path with one byte more; but takes
	 * no such name. */
	if (copy.ss_family == AF_UNIX && addrlen > sizeof(struct sockaddr_un))
		return -EINVAL;
	if (copy.ss_family == AF_UNSPEC)
		return addr_encode(&none, 0, &arena->allocator, ret);
	return addr_encode((const struct sockaddr *)&copy, addrlen, &arena->allocator, ret);
}

int api_address_give(const Sockbroker__V1__Address *address, struct sockaddr *addr,
		     socklen_t *addrlen)
{
	struct sock_addr kernel = { .len = 0 };
	const struct sockaddr_un *sun;
	int r;

	if (!addr || !addrlen)
		return 0;
	if (address && address->kind_case != SOCKBROKER__V1__ADDRESS__KIND__NOT_SET) {
		r = addr_decode(address, &kernel);
		if (r < 0)
			return r;
	}
	memcpy(addr, &kernel.ss, *addrlen < kernel.len ? *addrlen : kernel.len);
	*addrlen = kernel.len;
	/* The kernel counts the NUL of the longest path, for which there is no room. */
	sun = (const struct sockaddr_un *)&kernel.ss;
	if (kernel.len == sizeof(*sun) && sun->sun_family == AF_UNIX && sun->sun_path[0])
		*addrlen = sizeof(*sun) + 1;
	return 0;
}

int api_address_room(const struct sockaddr *addr, const socklen_t *addrlen)
{
	if (!addr)
		return 0;
	if (!addrlen)
		return -EFAULT;
	return (int)*addrlen < 0 ? -EINVAL : 0;
}
