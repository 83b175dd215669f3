/* SPDX-License-Identifier: BSD-2-Clause */
/* The outbox's file: written before anything is posted, and again when it has been. */
#include "outbox_private.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "durable.h"

/* Each byte of a body may take six in JSON. */
#define LONGEST_FILE ((size_t)OUTBOX_MAX * OUTBOX_MAX_BODY * 6 + (1u << 20))
#define SAVE_AGAIN_MS 10000

int outbox_save(struct outbox *outbox, struct complaint *complaint)
{
	char *text = outbox_list_encode(&outbox->list);
	int r;

	if (text)
		r = durable_write(outbox->directory, OUTBOX_FILE, text, complaint);
	else
		r = complain(complaint, -ENOMEM, "not enough memory to write the notifications");
	free(text);
	outbox->unsaved = r != 0;
	outbox->save_ms = loop_now_ms() + SAVE_AGAIN_MS;
	if (!r)
		outbox->complained = false;
	return r;
}

void outbox_save_or_report(struct outbox *outbox)
{
	struct complaint complaint;

	if (!outbox_save(outbox, &complaint) || outbox->complained)
		return;
	outbox->complained = true;
	outbox_report(outbox, OUTBOX_UNSAVED, NULL, complaint.text);
}

static int set_aside(struct outbox *outbox, const struct complaint *damage, struct complaint *complaint)
{
	char aside[PATH_MAX];
	int r = durable_set_aside(outbox->directory, OUTBOX_FILE, outbox->settings.clock(), aside, sizeof(aside),
				  complaint);

	if (!r)
		complain(&outbox->aside, 0, "%.200s; it is now %.200s, notifications in it are not posted",
			 damage->text, aside);
	return r;
}

int outbox_load(struct outbox *outbox, struct complaint *complaint)
{
	struct complaint damage = { "" }, detail = { "" };
	char path[PATH_MAX], *text = NULL;
	size_t length = 0;
	int r = durable_path(outbox->directory, OUTBOX_FILE, path, complaint);

	if (r)
		return r;
	r = durable_read(path, LONGEST_FILE, &text, &length);
	if (r == -ENOENT)
		return 0;
	if (r == -EFBIG) {
		complain(&damage, r, "%.150s: not a regular file of at most %zu bytes", path, LONGEST_FILE);
		return set_aside(outbox, &damage, complaint);
	}
	if (r)
		return complain(complaint, r, "%.200s: %s", path, strerror(-r));
	r = outbox_list_decode(text, length, &outbox->list, &detail);
	free(text);
	if (r == -ENOMEM)
		return complain(complaint, r, "not enough memory for notifications");
	if (!r)
		return 0;
	complain(&damage, r, "%.100s: %.150s", path, detail.text);
	return set_aside(outbox, &damage, complaint);
}
