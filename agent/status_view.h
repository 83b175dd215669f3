/* SPDX-License-Identifier: BSD-2-Clause */
/* What `serin status -w` shows: the versions of a service side by side, and the last events. Pure. */
#ifndef SERIN_STATUS_VIEW_H
#define SERIN_STATUS_VIEW_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>
#include "complaint.h"

struct status_view {
	unsigned int columns; /* no line is longer; 60 at least make sense */
	unsigned int rows;    /* no more lines than these; 0: as many as there are */
	bool colours;
};

/* One service, or {"services": [...]}: where there are several, a line per version. `events`: what GET /v1/events
 * answered, or NULL. A figure that is missing is shown as "-". 0; -EBADMSG and a complaint; -ENOMEM. */
int status_view_print(FILE *out, const json_t *answer, const json_t *events, const struct status_view *view,
		      struct complaint *complaint);

#endif
