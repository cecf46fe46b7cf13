/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <json-c/json.h>
#include <stdio.h>

static double ratio_of(const struct figures *f)
{
	return f->baseline > 0 ? f->value / f->baseline : 0;
}

static bool met(const struct measure *m, const struct figures *f)
{
	switch (m->direction) {
	case RATIO_AT_MOST:
		return ratio_of(f) <= m->target;
	case RATIO_AT_LEAST:
		return ratio_of(f) >= m->target;
	case VALUE_AT_MOST:
		return f->value <= m->target;
	default:
		return true;
	}
}

void report_list(void)
{
	for (size_t i = 0; i < n_measures; i++)
		printf("%-25s%s\n", measures[i].name, measures[i].what);
}

/* Three digits or more. */
static const char *number(double x, char text[24])
{
	snprintf(text, 24, x >= 1000 ? "%.0f" : x >= 100 ? "%.1f" : "%.2f", x);
	return text;
}

static void print_row(const struct measure *m, const struct figures *f)
{
	char value[24], baseline[24] = "-", ratio[24] = "-", target[48];

	if (f->baseline > 0) {
		number(f->baseline, baseline);
		snprintf(ratio, sizeof(ratio), "%.3g", ratio_of(f));
	}
	snprintf(target, sizeof(target), "%s %g%s", m->direction == RATIO_AT_LEAST ? ">=" : "<=",
		 m->target, m->direction == VALUE_AT_MOST ? " KiB" : "");
	if (m->direction == NO_TARGET)
		snprintf(target, sizeof(target), "-");
	printf("%-25s%12s %-12s%12s  %7s  %-10s%-7s%s\n", m->name, number(f->value, value), m->unit,
	       baseline, ratio, target,
	       m->direction == NO_TARGET ? "" : met(m, f) ? "met" : "MISSED", m->baseline ? m->baseline : "");
}

void report_table(const struct measure *const *m, const struct figures *f, size_t n)
{
	printf("%-25s%12s %-12s%12s  %7s  %-10s%-7s%s\n", "MEASURE", "VALUE", "", "BASELINE", "RATIO",
	       "TARGET", "", "BASELINE IS");
	for (size_t i = 0; i < n; i++)
		print_row(m[i], &f[i]);
}

static json_object *rounded(double x)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", x);
	return json_object_new_double_s(x, text);
}

void report_json(const struct measure *const *m, const struct figures *f, size_t n)
{
	json_object *all = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		json_object *o = json_object_new_object();
		const bool has = f[i].baseline > 0, judged = m[i]->direction != NO_TARGET;

		json_object_object_add(o, "name", json_object_new_string(m[i]->name));
		json_object_object_add(o, "value", rounded(f[i].value));
		json_object_object_add(o, "unit", json_object_new_string(m[i]->unit));
		json_object_object_add(o, "baseline", has ? rounded(f[i].baseline) : NULL);
		json_object_object_add(o, "ratio", has ? rounded(ratio_of(&f[i])) : NULL);
		json_object_object_add(o, "target", judged ? rounded(m[i]->target) : NULL);
		json_object_object_add(o, "met", judged ? json_object_new_boolean(met(m[i], &f[i])) : NULL);
		json_object_array_add(all, o);
	}
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY));
	json_object_put(all);
}
