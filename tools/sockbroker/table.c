/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cell cell_of(const struct table *t, size_t thing, size_t column)
{
	const struct column *c = &t->columns[column];
	struct cell cell = { 0 };

	c->cell((const char *)t->things + thing * t->size + c->offset, &cell);
	return cell;
}

/* The longest text in each column, the title too. */
static int *measure(const struct table *t)
{
	int *widths = calloc(t->n_columns + 1, sizeof(*widths));

	for (size_t c = 0; widths && c < t->n_columns; c++) {
		if (!t->columns[c].title)
			continue;
		widths[c] = (int)strlen(t->columns[c].title);
		for (size_t i = 0; i < t->n_things; i++) {
			const struct cell cell = cell_of(t, i, c);
			const int width = (int)strlen(cell.text);

			if (width > widths[c])
				widths[c] = width;
		}
	}
	return widths;
}

enum { HEADING = -1 };

static void print_row(const struct table *t, const int *widths, ssize_t row)
{
	int gap = 0, owed = 0; /* blanks: only printed when more follows */

	for (size_t c = 0; c < t->n_columns; c++) {
		const struct column *column = &t->columns[c];
		struct cell cell = { 0 };
		int pad;

		if (!column->title)
			continue;
		if (row == HEADING)
			cell_print(&cell, "%s", column->title);
		else
			cell = cell_of(t, (size_t)row, c);
		pad = widths[c] - (int)strlen(cell.text);
		printf("%*s%s", gap + owed + (column->right ? pad : 0), "", cell.text);
		owed = column->right ? 0 : pad;
		gap = 2;
	}
	putchar('\n');
}

static int flushed(void)
{
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

int table_print(const struct table *t)
{
	int *widths = measure(t);

	if (!widths)
		return -ENOMEM;
	print_row(t, widths, HEADING);
	for (size_t i = 0; i < t->n_things; i++)
		print_row(t, widths, (ssize_t)i);
	free(widths);
	return flushed();
}

int table_print_list(const struct table *t)
{
	int width = 0;

	for (size_t c = 0; c < t->n_columns; c++)
		if (t->columns[c].title && (int)strlen(t->columns[c].title) > width)
			width = (int)strlen(t->columns[c].title);
	for (size_t i = 0; i < t->n_things; i++) {
		if (i)
			putchar('\n');
		for (size_t c = 0; c < t->n_columns; c++)
			if (t->columns[c].title)
				printf("%-*s  %s\n", width, t->columns[c].title,
				       cell_of(t, i, c).text);
	}
	return flushed();
}

/* NULL: no memory. */
static json_object *json_cell(const struct cell *cell)
{
	return cell->is_number ? json_object_new_int64(cell->number)
			       : json_object_new_string(cell->text);
}

/* NULL: no memory. */
static json_object *json_thing(const struct table *t, size_t i)
{
	json_object *object = json_object_new_object();

	for (size_t c = 0; object && c < t->n_columns; c++) {
		const struct cell cell = cell_of(t, i, c);
		json_object *value;

		if (!t->columns[c].key)
			continue;
		value = cell.none ? NULL : json_cell(&cell);
		if ((!value && !cell.none) || json_object_object_add(object, t->columns[c].key, value) < 0) {
			json_object_put(value);
			json_object_put(object);
			return NULL;
		}
	}
	return object;
}

int table_print_json(const struct table *t)
{
	json_object *array = json_object_new_array();
	const char *text;

	if (!array)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_things; i++) {
		json_object *object = json_thing(t, i);

		if (!object || json_object_array_add(array, object) < 0) {
			json_object_put(object);
			json_object_put(array);
			return -ENOMEM;
		}
	}
	text = json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY |
						     JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		puts(text);
	json_object_put(array);
	return text ? flushed() : -ENOMEM;
}
