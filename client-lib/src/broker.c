/* SPDX-License-Identifier: Apache-2.0 */
#include "broker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fork.h"
#include "sockbroker.h"

static pthread_mutex_t default_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sb_broker *default_broker;

int broker_connect(const char *address, int transport, struct sb_broker **ret)
{
	static const char scheme[] = "unix:";
	const char *path;

	if (!address)
		address = secure_getenv("SOCKBROKER_ADDRESS");
	if (!address || !*address)
		address = SB_DEFAULT_ADDRESS;
	error_address(address);
	if (transport != SB_TRANSPORT_STREAM && transport != SB_TRANSPORT_UNARY)
		return -EINVAL;
	if (strncmp(address, scheme, sizeof(scheme) - 1) != 0)
		return -EINVAL;

	path = address + sizeof(scheme) - 1;
	return *path ? rpc_connect(path, transport, ret) : -EINVAL;
}

int broker_get(struct sb_broker *given, struct sb_broker **ret)
{
	struct sb_broker *gone = NULL;
	int r = 0;

	if (given) {
		*ret = rpc_ref(given);
		return 0;
	}
	pthread_mutex_lock(&default_lock);
	if (default_broker && rpc_is_cut(default_broker)) {
		gone = default_broker;
		default_broker = NULL;
	}
	if (!default_broker)
		r = broker_connect(NULL, SB_TRANSPORT_STREAM, &default_broker);
	if (r == 0)
		*ret = rpc_ref(default_broker);
	pthread_mutex_unlock(&default_lock);
	rpc_unref(gone);
	return r;
}

sb_broker *sb_connect_broker(const char *address, int transport)
{
	struct sb_broker *b = NULL;
	const int r = fork_is_child() ? -EBADF : broker_connect(address, transport, &b);

	(void)error_return(__func__, ERROR_CONNECTING, r);
	return b;
}

void sb_disconnect_broker(sb_broker *b)
{
	if (!b || fork_is_child())
		return;
	rpc_end(b);
	rpc_unref(b);
}
