/* SPDX-License-Identifier: Apache-2.0 */
#include "front/front.h"

void admin_begin(struct rpc *r, const char *method, size_t length)
{
	(void)method;
	(void)length;
	rpc_fail(r, GRPC_STATUS_UNIMPLEMENTED, "Admin");
}
