/* SPDX-License-Identifier: Apache-2.0 */
/* work_end.h - what a work and its other end have agreed on. */
#ifndef SB_BENCH_WORK_END_H
#define SB_BENCH_WORK_END_H

enum {
	BLOCK_BYTES = 8 << 20, /* 'u': that many come, then a byte goes; 'd': that many go */
	CALL_BYTES = 1 << 20,  /* of them, in one call */
	SMALL_BYTES = 64,      /* that many come, and go back */
};

#endif
