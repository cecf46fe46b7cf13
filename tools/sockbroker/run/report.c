/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../command.h"
#include "call.h"
#include "run.h"
#include "target.h"

enum { SENTENCE_WAITS_MS = 200 };

int report_init(struct report *report, bool trace)
{
	*report = (struct report){ .trace = trace };
	report->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (report->timer < 0)
		return -errno;
	pthread_mutex_init(&report->lock, NULL);
	return 0;
}

/* Returns NULL if it has been told, or too many have. */
static struct refusal *note(struct report *report, const struct intent *intent)
{
	const struct refusal kind = {
		.action = intent->action,
		.family = intent->family,
		.type = intent->type,
		.protocol = intent->protocol,
		.detail = intent->action == ACTION_OPTION ? intent->level << 16 ^ intent->name :
							    (int)intent->ioctl,
	};

	for (size_t i = 0; i < report->n; i++) {
		const struct refusal *r = &report->refusals[i];

		if (r->action == kind.action && r->family == kind.family && r->type == kind.type &&
		    r->protocol == kind.protocol && r->detail == kind.detail)
			return NULL;
	}
	if (report->n == REPORT_KINDS)
		return NULL;
	report->refusals[report->n] = kind;
	return &report->refusals[report->n++];
}

static void note_refusal(const struct call *c, const struct intent *intent, const char *asked,
			 const char *why)
{
	const struct itimerspec soon = { .it_value.tv_nsec = SENTENCE_WAITS_MS * 1000000 };
	struct report *report = &c->run->report;
	struct refusal *refusal = note(report, intent);
	char name[TARGET_NAME_BYTES];

	if (!refusal)
		return;
	refusal->pid = c->tid;
	if (asprintf(&refusal->sentence,
		     "%s (process %d) is refused `%s`. %s%s"
		     "`sockbroker run --suggest-policy FILE -- ...` writes the rules that it needs",
		     target_name(c->tid, name), c->tid, asked, why ? why : "", why ? " " : "") < 0)
		refusal->sentence = NULL;
	(void)timerfd_settime(report->timer, 0, &soon, NULL);
}

static bool opens_socket(enum action action)
{
	return action == ACTION_SOCKET || action == ACTION_DIRECT;
}

/* It has found another way. What it is refused next time is told anew. */
static void forget_refusals(struct report *report, pid_t pid, const struct intent *intent)
{
	for (size_t i = 0; i < report->n; i++) {
		struct refusal *r = &report->refusals[i];

		if (!r->sentence || r->pid != pid || !opens_socket(r->action) ||
		    r->family != intent->family || r->protocol != intent->protocol)
			continue;
		free(r->sentence);
		*r = report->refusals[--report->n];
		i--;
	}
}

void report_verdict(const struct call *c, const struct intent *intent, int error, const char *why)
{
	struct report *report = &c->run->report;
	char asked[INTENT_TEXT_BYTES], name[TARGET_NAME_BYTES];

	intent_print(intent, asked, sizeof(asked));
	pthread_mutex_lock(&report->lock);
	if (report->trace)
		fail("%d %s: %s: %s", c->tid, target_name(c->tid, name), asked,
		     error ? strerrorname_np(-error) : "allowed");
	if (error)
		note_refusal(c, intent, asked, why);
	else if (opens_socket(intent->action))
		forget_refusals(report, c->tid, intent);
	pthread_mutex_unlock(&report->lock);
}

void report_tell(struct report *report)
{
	uint64_t rung;

	(void)!read(report->timer, &rung, sizeof(rung));
	pthread_mutex_lock(&report->lock);
	for (size_t i = 0; i < report->n; i++) {
		if (!report->refusals[i].sentence)
			continue;
		fail("%s", report->refusals[i].sentence);
		free(report->refusals[i].sentence);
		report->refusals[i].sentence = NULL;
	}
	pthread_mutex_unlock(&report->lock);
}
