/* SPDX-License-Identifier: Apache-2.0 */
/* ioctls_conf.h - the question of SIOCGIFCONF. Private to proto/wire; the answer is
 * in ioctls.h. */
#ifndef SB_WIRE_IOCTLS_CONF_H
#define SB_WIRE_IOCTLS_CONF_H

#include "wire/ioctls.h"

int ioctl_conf_question_encode(const struct ifconf *, ProtobufCAllocator *,
			       Sockbroker__V1__IoctlValue *out);
int ioctl_conf_question_decode(const Sockbroker__V1__IoctlValue *, struct ifconf *ret);

#endif
