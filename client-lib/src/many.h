/* SPDX-License-Identifier: Apache-2.0 */
/* many.h - bounds of sendmmsg and recvmmsg, in one request. */
#ifndef SB_MANY_H
#define SB_MANY_H

enum { MANY_MOST = 1024, MANY_BYTES = 1 << 20 };

#endif
