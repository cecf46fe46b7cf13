// SPDX-License-Identifier: Apache-2.0
//
// The daemon's headers, for C++. They use <stdatomic.h>, which C++ has from 2023
// on, and say nothing of linkage.
#ifndef SB_TESTS_UNIT_SERVER_C_HEADERS_H
#define SB_TESTS_UNIT_SERVER_C_HEADERS_H

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "policy/policy.h"
#include "sockbroker/v1/broker.pb-c.h"
#include "wire/arena.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"  // in C a function may have a struct's name
extern "C" {
#include "call/call.h"
#include "call/errand.h"
#include "call/shard.h"
#include "core/clock.h"
#include "core/handles.h"
#include "core/poller.h"
#include "core/timers.h"
#include "core/workers.h"
#include "front/chunk.h"
#include "front/codec.h"
#include "identity/account.h"
#include "identity/peer.h"
#include "identity/session.h"
#include "ops/op.h"
#include "ops/sock.h"
}
#pragma GCC diagnostic pop

#endif
