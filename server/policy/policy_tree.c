/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From text to a tree. Of YAML only mappings, sequences and scalars are taken:
 * what lets one part of a file change another's meaning (anchors, aliases,
 * merge keys, tags, a second document) is refused. libyaml's own document
 * loader resolves these silently, hence its events.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <yaml.h>

#include "policy/reader.h"

static int complain_list(struct reader *r, size_t line, size_t column, const char *format,
			 va_list arguments) __attribute__((format(printf, 4, 0)));

static int complain_list(struct reader *r, size_t line, size_t column, const char *format,
			 va_list arguments)
{
	int n;

	if (r->failed)
		return -EINVAL;
	r->failed = true;
	if (r->error_size == 0)
		return -EINVAL;
	n = snprintf(r->error, r->error_size, "%s:%zu:%zu: ", r->name, line, column);
	if (n > 0 && (size_t)n < r->error_size)
		vsnprintf(r->error + n, r->error_size - (size_t)n, format, arguments);
	for (char *c = r->error; *c; c++) /* one line, whatever the file has in it */
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return -EINVAL;
}

int complain_at(struct reader *r, size_t line, size_t column, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain_list(r, line, column, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int complain(struct reader *r, const struct node *node, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain_list(r, node->line, node->column, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int complain_memory(struct reader *r, const struct node *node)
{
	return complain(r, node, "out of memory; try again");
}

/* ---- events to nodes --------------------------------------------------- */

static struct node *node_read(struct reader *, yaml_parser_t *, const yaml_event_t *, int depth);

static int event_next(struct reader *r, yaml_parser_t *parser, yaml_event_t *event)
{
	if (yaml_parser_parse(parser, event))
		return 0;
	if (parser->error == YAML_MEMORY_ERROR)
		return complain_at(r, 1, 1, "out of memory; try again");
	if (parser->error == YAML_READER_ERROR)
		return complain_at(r, 1, 1, "%s (byte %zu); save the file as UTF-8 text",
				   parser->problem, parser->problem_offset);
	return complain_at(r, parser->problem_mark.line + 1, parser->problem_mark.column + 1,
			   "%s; see that the YAML is well-formed", parser->problem);
}

static bool is_plain_event(struct reader *r, const yaml_event_t *e, const void *anchor,
			   const void *tag)
{
	size_t line = e->start_mark.line + 1, column = e->start_mark.column + 1;

	if (anchor)
		complain_at(r, line, column, "anchors are not allowed; write the value out");
	else if (tag)
		complain_at(r, line, column, "tags are not allowed; remove it");
	return !anchor && !tag;
}

static struct node *scalar_read(struct reader *r, const yaml_event_t *e, struct node *node)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t length = e->data.scalar.length;
	char *copy;

	if (!is_plain_event(r, e, e->data.scalar.anchor, e->data.scalar.tag))
		return NULL;
	if (strlen(text) != length) {
		complain(r, node, "a value with a NUL byte; remove it");
		return NULL;
	}
	if (strcmp(text, "<<") == 0) {
		complain(r, node, "merge keys are not allowed; write the keys out");
		return NULL;
	}
	copy = arena_alloc(r->tree, length + 1);
	if (!copy) {
		complain_memory(r, node);
		return NULL;
	}
	memcpy(copy, text, length + 1);
	node->kind = NODE_SCALAR;
	node->text = copy;
	return node;
}

/* The members up to the end of the list or map. */
static struct node *members_read(struct reader *r, yaml_parser_t *parser, struct node *node,
				 int depth)
{
	struct node **last = &node->first;

	if (depth >= POLICY_DEPTH_MAX) {
		complain(r, node, "nested too deeply; no key needs more than %d levels",
			 POLICY_DEPTH_MAX);
		return NULL;
	}
	for (;;) {
		yaml_event_t event;

		if (event_next(r, parser, &event) < 0)
			return NULL;
		if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			return node;
		}
		*last = node_read(r, parser, &event, depth + 1);
		yaml_event_delete(&event);
		if (!*last)
			return NULL;
		last = &(*last)->next;
		node->n++;
	}
}

static struct node *node_read(struct reader *r, yaml_parser_t *parser, const yaml_event_t *e,
			      int depth)
{
	struct node *node = arena_zalloc(r->tree, sizeof(*node));

	if (!node) {
		complain_at(r, e->start_mark.line + 1, e->start_mark.column + 1,
			    "out of memory; try again");
		return NULL;
	}
	node->line = e->start_mark.line + 1;
	node->column = e->start_mark.column + 1;

	if (e->type == YAML_SCALAR_EVENT)
		return scalar_read(r, e, node);
	if (e->type == YAML_SEQUENCE_START_EVENT) {
		node->kind = NODE_LIST;
		return is_plain_event(r, e, e->data.sequence_start.anchor,
				      e->data.sequence_start.tag)
			       ? members_read(r, parser, node, depth) : NULL;
	}
	if (e->type == YAML_MAPPING_START_EVENT) {
		node->kind = NODE_MAP;
		return is_plain_event(r, e, e->data.mapping_start.anchor, e->data.mapping_start.tag)
			       ? members_read(r, parser, node, depth) : NULL;
	}
	if (e->type == YAML_ALIAS_EVENT)
		complain(r, node, "aliases are not allowed; write the value out");
	else
		complain(r, node, "the file is empty; begin with `version: 1`");
	return NULL;
}

/* Start of stream and document, the one value, end of both. */
static struct node *document_read(struct reader *r, yaml_parser_t *parser)
{
	static const yaml_event_type_t after[] = { YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT };
	struct node *root = NULL;
	yaml_event_t event;

	for (int i = 0; i < 2; i++) { /* stream start, document start */
		bool done;

		if (event_next(r, parser, &event) < 0)
			return NULL;
		done = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_DOCUMENT_START_EVENT &&
		    event.data.document_start.tag_directives.start !=
			    event.data.document_start.tag_directives.end)
			complain_at(r, event.start_mark.line + 1, 1,
				    "tags are not allowed; remove the %%TAG line");
		yaml_event_delete(&event);
		if (r->failed)
			return NULL;
		if (done) {
			complain_at(r, 1, 1, "the file is empty; begin with `version: 1`");
			return NULL;
		}
	}
	if (event_next(r, parser, &event) < 0)
		return NULL;
	root = node_read(r, parser, &event, 0);
	yaml_event_delete(&event);

	for (size_t i = 0; root && i < 2; i++) {
		if (event_next(r, parser, &event) < 0)
			return NULL;
		if (event.type != after[i]) {
			complain_at(r, event.start_mark.line + 1, event.start_mark.column + 1,
				    "a second document; a policy is one, remove the `---`");
			root = NULL;
		}
		yaml_event_delete(&event);
	}
	return root;
}

struct node *tree_read(struct reader *r, const char *text, size_t length)
{
	struct node *root;
	yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser)) {
		complain_at(r, 1, 1, "out of memory; try again");
		return NULL;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	root = document_read(r, &parser);
	yaml_parser_delete(&parser);
	return root;
}
