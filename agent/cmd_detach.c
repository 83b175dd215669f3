/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin detach`: take everything of ours out of the kernel. Local: it is for when there is no agent. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "datapath.h"
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

static void print_removed(const struct options *options, unsigned int removed)
{
	if (options->output == OUTPUT_JSON)
		printf("{\"pin_dir\": \"%s\", \"removed\": %u}\n", options->pin_dir, removed);
	else if (removed)
		printf("%u object%s removed from %s\n", removed, removed == 1 ? "" : "s", options->pin_dir);
	else
		printf("nothing was attached under %s\n", options->pin_dir);
}

static int detach(const struct options *options)
{
	struct complaint complaint;
	unsigned int removed = 0;
	uint16_t first, last;
	/* Who reserved which part of the list is not known any more, so all of it stays. */
	bool reserved = !datapath_pinned_ports(options->pin_dir, &first, &last);

	if (datapath_detach(options->pin_dir, &removed, &complaint))
		return command_fail(COMMAND_FAILED, "%s", complaint.text);
	print_removed(options, removed);
	if (reserved)
		fprintf(stderr, "serin: note: ports %u-%u stay in net.ipv4.ip_local_reserved_ports\n", first, last);
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
