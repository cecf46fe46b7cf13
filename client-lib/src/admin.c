/* SPDX-License-Identifier: Apache-2.0 */
/* admin.c - the broker's own tables, as plain structs. */
#include "sockbroker/v1/admin.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "error.h"
#include "fork.h"
#include "sockbroker-admin.h"
#include "wire/addr.h"

static struct sb_admin_owner owner_of(const Sockbroker__V1__Identity *who)
{
	if (!who)
		return (struct sb_admin_owner){ .uid = UINT32_MAX, .gid = UINT32_MAX };
	return (struct sb_admin_owner){ .uid = who->uid, .gid = who->gid, .pid = who->pid };
}

static void address_copy(const Sockbroker__V1__Address *in, struct sockaddr_storage *ret,
			 socklen_t *ret_length)
{
	struct sock_addr a = { .len = 0 };

	if (!in || in->kind_case == SOCKBROKER__V1__ADDRESS__KIND__NOT_SET || addr_decode(in, &a) < 0)
		return;
	*ret = a.ss;
	*ret_length = a.len;
}

static void socket_copy(const Sockbroker__V1__SocketInfo *in, struct sb_admin_socket *out)
{
	*out = (struct sb_admin_socket){
		.session = in->session, .handle = in->handle, .owner = owner_of(in->owner),
		.family = in->family, .type = in->type, .protocol = in->protocol,
		.receive_queue = in->receive_queue, .send_queue = in->send_queue,
		.received_bytes = in->received_bytes, .sent_bytes = in->sent_bytes,
		.waiting_calls = in->waiting_calls,
	};
	snprintf(out->state, sizeof(out->state), "%s", in->state);
	address_copy(in->local, &out->local, &out->local_length);
	address_copy(in->peer, &out->peer, &out->peer_length);
}

static int sockets_copy(const ProtobufCMessage *message, void *ret, size_t *ret_n)
{
	const Sockbroker__V1__ListSocketsReply *in = (const Sockbroker__V1__ListSocketsReply *)message;
	struct sb_admin_socket *all = calloc(in->n_sockets + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < in->n_sockets; i++)
		socket_copy(in->sockets[i], &all[i]);
	*(struct sb_admin_socket **)ret = all;
	*ret_n = in->n_sockets;
	return 0;
}

static void session_copy(const Sockbroker__V1__SessionInfo *in, struct sb_admin_session *out)
{
	*out = (struct sb_admin_session){
		.session = in->session, .owner = owner_of(in->owner), .age_ns = in->age_ns,
		.sockets = in->sockets, .calls = in->calls, .held_bytes = in->held_bytes,
		.operations = in->operations, .denials = in->denials,
	};
	snprintf(out->client, sizeof(out->client), "%s", in->client);
}

static int sessions_copy(const ProtobufCMessage *message, void *ret, size_t *ret_n)
{
	const Sockbroker__V1__ListSessionsReply *in = (const Sockbroker__V1__ListSessionsReply *)message;
	struct sb_admin_session *all = calloc(in->n_sessions + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < in->n_sessions; i++)
		session_copy(in->sessions[i], &all[i]);
	*(struct sb_admin_session **)ret = all;
	*ret_n = in->n_sessions;
	return 0;
}

static int status_copy(const ProtobufCMessage *message, void *ret, size_t *ret_n)
{
	const Sockbroker__V1__GetStatusReply *in = (const Sockbroker__V1__GetStatusReply *)message;
	struct sb_admin_status *out = ret;

	(void)ret_n;
	*out = (struct sb_admin_status){
		.pid = in->pid, .uptime_ns = in->uptime_ns, .shards = in->shards,
		.connections = in->connections, .sessions = in->sessions, .sockets = in->sockets,
		.operations = in->operations, .denials = in->denials,
		.policy_rules = in->policy_rules, .policy_age_ns = in->policy_age_ns,
		.resident_bytes = in->resident_bytes,
	};
	snprintf(out->version, sizeof(out->version), "%s", in->version);
	snprintf(out->policy, sizeof(out->policy), "%s", in->policy);
	return 0;
}

typedef int copy_function(const ProtobufCMessage *, void *ret, size_t *ret_n);

/* Asks, and gives the reply to @copy. */
static int ask(const char *call, struct sb_broker *given, const ProtobufCMessage *request,
	       copy_function *copy, void *ret, size_t *ret_n)
{
	enum error_origin origin = ERROR_BROKER;
	struct sb_broker *b;
	struct reply reply;
	int r;

	if (fork_is_child())
		return (int)error_return(call, ERROR_LOCAL, -EBADF);
	r = broker_get(given, &b);
	if (r < 0)
		return (int)error_return(call, ERROR_CONNECTING, r);
	reply_init(&reply);
	r = rpc_call(b, request, &reply);
	if (rpc_has_ended(b))
		origin = ERROR_GONE;
	if (r == 0)
		r = copy(reply.message, ret, ret_n);
	reply_free(&reply);
	rpc_unref(b);
	return (int)error_return(call, origin, r);
}

int sb_admin_sockets(sb_broker *broker, struct sb_admin_socket **ret, size_t *ret_n)
{
	const Sockbroker__V1__ListSocketsRequest request = SOCKBROKER__V1__LIST_SOCKETS_REQUEST__INIT;

	return ask(__func__, broker, &request.base, sockets_copy, ret, ret_n);
}

int sb_admin_sessions(sb_broker *broker, struct sb_admin_session **ret, size_t *ret_n)
{
	const Sockbroker__V1__ListSessionsRequest request = SOCKBROKER__V1__LIST_SESSIONS_REQUEST__INIT;

	return ask(__func__, broker, &request.base, sessions_copy, ret, ret_n);
}

int sb_admin_status(sb_broker *broker, struct sb_admin_status *ret)
{
	const Sockbroker__V1__GetStatusRequest request = SOCKBROKER__V1__GET_STATUS_REQUEST__INIT;

	return ask(__func__, broker, &request.base, status_copy, ret, NULL);
}

void sb_admin_free_sockets(struct sb_admin_socket *all)
{
	free(all);
}

void sb_admin_free_sessions(struct sb_admin_session *all)
{
	free(all);
}
