/* SPDX-License-Identifier: BSD-2-Clause */
/* What the outbox's files share. */
#ifndef SERIN_OUTBOX_PRIVATE_H
#define SERIN_OUTBOX_PRIVATE_H

#include "outbox.h"
#include "outbox_list.h"

struct outbox {
	struct fetcher *fetcher;
	struct loop_source *timer;
	struct outbox_settings settings;
	outbox_fn fn;
	void *context;
	char *directory;
	struct outbox_list list;
	bool unsaved;           /* the file is not what the list is */
	bool complained;        /* and that has been reported */
	int64_t save_ms;        /* when to try again */
	struct complaint aside; /* what is to be said of a file that was set aside; "": nothing */
	uint64_t fates[OUTBOX_FATE_COUNT];
};

void outbox_report(struct outbox *outbox, enum outbox_fate fate, const struct outbox_entry *entry, const char *text);

/* Write the file. What came of it is in the outbox, too. */
int outbox_save(struct outbox *outbox, struct complaint *complaint);
/* The same from the loop: reports the first failure in a row, and sees to another attempt. */
void outbox_save_or_report(struct outbox *outbox);
int outbox_load(struct outbox *outbox, struct complaint *complaint);

/* The timer's: post what may be posted, and set the timer for what comes next. */
void outbox_turn(void *context);
void outbox_arm(struct outbox *outbox);

#endif
