/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsan.h - tells ThreadSanitizer what Debian's libgrpc, which is not built with
 * it, hides: what came before a batch was started is seen by whoever gets its tag.
 */
#ifndef SB_FRONT_TSAN_H
#define SB_FRONT_TSAN_H

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define TSAN_RELEASE(tag) __tsan_release(tag)
#define TSAN_ACQUIRE(tag) __tsan_acquire(tag)
#else
#define TSAN_RELEASE(tag) ((void)(tag))
#define TSAN_ACQUIRE(tag) ((void)(tag))
#endif

#endif
