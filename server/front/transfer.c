/* SPDX-License-Identifier: Apache-2.0 */
#include "front/front.h"

void transfer_begin(struct rpc *r)
{
	rpc_fail(r, GRPC_STATUS_UNIMPLEMENTED, "Transfer");
}
