/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin detach`: take everything of ours out of the kernel. Local: it is for when there is no agent. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "datapath.h"
#include "hostcheck.h"
#include "lock.h"

/* The directory's lock decides, the file beside the socket only lends the owner's pid. */
static int refuse_running(const struct options *options)
{
	char path[PATH_MAX];
	pid_t owner = 0;

	if (!lock_path(options->socket, path, sizeof(path)) && lock_held(path, &owner) && owner)
		return command_fail(COMMAND_FAILED, "an agent uses %s (pid %ld): stop it before detaching",
				    options->pin_dir, (long)owner);
	return command_fail(COMMAND_FAILED, "an agent uses %s: stop it before detaching", options->pin_dir);
}

static int detach(const struct options *options)
{
	struct complaint complaint;
	unsigned int removed = 0;
	uint16_t first, last;
	bool reserved = !datapath_pinned_ports(options->pin_dir, &first, &last);

	if (datapath_detach(options->pin_dir, &removed, &complaint))
		return command_fail(COMMAND_FAILED, "%s", complaint.text);
	/* The programs are gone by now: that the host keeps a range of ports to itself is no reason to fail. */
	if (reserved && hostcheck_release_ports(first, last, &complaint))
		fprintf(stderr, "serin: warning: ports %u-%u stay reserved: %s\n", first, last, complaint.text);
	if (removed)
		printf("%u object%s removed from %s\n", removed, removed == 1 ? "" : "s", options->pin_dir);
	else
		printf("nothing was attached under %s\n", options->pin_dir);
	return COMMAND_OK;
}

int cmd_detach(const struct options *options)
{
	struct complaint complaint;
	int lock = -1, code, error;

	/* Held until the end, so that no agent starts on what is being taken away. */
	error = lock_take_directory(options->pin_dir, &lock, &complaint);
	if (error == -EBUSY)
		return refuse_running(options);
	if (error && error != -ENOENT)
		return command_fail(COMMAND_FAILED, "%s", complaint.text);
	code = detach(options);
	if (lock >= 0)
		close(lock);
	return code;
}
