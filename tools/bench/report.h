/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - the results, for people and for programs, on stdout. */
#ifndef SB_BENCH_REPORT_H
#define SB_BENCH_REPORT_H

#include "bench.h"

void report_list(void);
void report_table(const struct measure *const *, const struct figures *, size_t n);
void report_json(const struct measure *const *, const struct figures *, size_t n);

#endif
