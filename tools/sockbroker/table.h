/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - a list of things of one kind, as an aligned table or as JSON.
 *
 * A column is a const row: which field of a thing, and how it is written. No
 * state.
 */
#ifndef SB_TOOLS_TABLE_H
#define SB_TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CELL_BYTES = 160 };

/* What stands in one place: always a text; if it is a number, JSON has that. */
struct cell {
	char text[CELL_BYTES];
	bool is_number;
	int64_t number;
	bool none; /* there is no such thing; null in JSON */
};

struct column {
	const char *title; /* "RECV-Q", of the table; NULL: only in JSON */
	const char *key;   /* "receive_queue", of JSON; NULL: only in the table */
	bool right;        /* aligned */
	size_t offset;     /* of the field in a thing */
	void (*cell)(const void *field, struct cell *ret);
};

/* Things lie one after the other, @size bytes each. */
struct table {
	const struct column *columns;
	size_t n_columns;
	const void *things;
	size_t n_things, size;
};

/* To stdout. Return 0, or -ENOMEM, -EIO. */
int table_print(const struct table *);          /* a line each */
int table_print_list(const struct table *);     /* "title  text" lines, a block each */
int table_print_json(const struct table *);     /* an array of objects */

/* Sets the text; control characters become '?'. */
void cell_print(struct cell *ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For columns, by the type of the field. */
void cell_chars(const void *field, struct cell *ret);  /* char[] */
void cell_int32(const void *field, struct cell *ret);  /* int32_t, pid_t */
void cell_uint32(const void *field, struct cell *ret); /* uint32_t, uid_t */
void cell_uint64(const void *field, struct cell *ret); /* uint64_t */
void cell_user(const void *field, struct cell *ret);   /* uid_t: name, or number */
void cell_age(const void *field, struct cell *ret);    /* uint64_t ns: "1d 04:05:06" */
void cell_bytes(const void *field, struct cell *ret);  /* uint64_t: "12.3 MiB" */

#endif
