/* SPDX-License-Identifier: Apache-2.0 */
/* health.c - grpc.health.v1: Check, for any gRPC health probe. */
#include <stdlib.h>
#include <string.h>

#include "front/codec.h"
#include "front/front.h"
#include "grpc/health/v1/health.pb-c.h"

struct checking {
	struct rpc rpc;
	struct tag received;
	grpc_byte_buffer *message;
};

static grpc_byte_buffer *serving(void)
{
	Grpc__Health__V1__HealthCheckResponse r = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

	r.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	return message_pack(&r.base);
}

static bool is_served(const char *service)
{
	return !service || !*service || strcmp(service, "sockbroker.v1.Broker") == 0 ||
	       strcmp(service, "sockbroker.v1.Admin") == 0;
}

static void health_received(struct tag *t, bool ok)
{
	struct checking *h = container_of(t, struct checking, received);
	Grpc__Health__V1__HealthCheckRequest *req = NULL;
	struct flat flat;

	if (ok && h->message && flat_init(&flat, h->message)) {
		req = grpc__health__v1__health_check_request__unpack(NULL, flat.length, flat.data);
		flat_done(&flat);
	}
	if (req && is_served(req->service))
		rpc_answer(&h->rpc, serving());
	else
		rpc_fail(&h->rpc, req ? GRPC_STATUS_NOT_FOUND : GRPC_STATUS_INVALID_ARGUMENT,
			 req ? "no such service" : "not a HealthCheckRequest");
	free(h);
	if (req)
		grpc__health__v1__health_check_request__free_unpacked(req, NULL);
}

void health_begin(struct rpc *r, const char *method, size_t length)
{
	grpc_op receive = { .op = GRPC_OP_RECV_MESSAGE };
	struct checking *h = NULL;

	if (length == strlen("Check") && memcmp(method, "Check", length) == 0)
		h = calloc(1, sizeof(*h));
	if (!h) {
		rpc_fail(r, GRPC_STATUS_UNIMPLEMENTED, "only Check is served: poll it");
		return;
	}
	h->rpc = *r;
	h->received.fn = health_received;
	receive.data.recv_message.recv_message = &h->message;
	start_batch(r->call, &receive, 1, &h->received);
}
