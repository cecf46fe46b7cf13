/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what the targets share. CHECK ends the program, as assert() does,
 * but in every kind of build. */
#ifndef SB_FUZZ_H
#define SB_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static inline void check(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
