/* SPDX-License-Identifier: Apache-2.0 */
/* constants_rows.h - for the constants_*.c, which have the table in parts, a row
 * a line. */
#ifndef SB_WIRE_CONSTANTS_ROWS_H
#define SB_WIRE_CONSTANTS_ROWS_H

#include "wire/constants.h"

#define C(name) { #name, (long long)(name) }
#define V(name, value) { #name, (long long)(value) }

extern const struct constant constants_socket[];
extern const size_t n_constants_socket;
extern const struct constant constants_device[];
extern const size_t n_constants_device;
extern const struct constant constants_inet[];
extern const size_t n_constants_inet;
extern const struct constant constants_transport[];
extern const size_t n_constants_transport;
extern const struct constant constants_names[];
extern const size_t n_constants_names;
extern const struct constant constants_link[];
extern const size_t n_constants_link;
extern const struct constant constants_families[];
extern const size_t n_constants_families;

#endif
