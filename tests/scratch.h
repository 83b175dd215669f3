/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories for the files of one test program: gone when it ends, by a failed assertion or a signal too. */
#ifndef SERIN_TESTS_SCRATCH_H
#define SERIN_TESTS_SCRATCH_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRATCH_LEN 64                      /* short, since a Unix socket's path ends after 107 bytes */
#define SCRATCH_PATH_LEN (SCRATCH_LEN + 32) /* of a file in such a directory */

static char scratch_root[SCRATCH_LEN - 8], scratch_pins[SCRATCH_LEN];
static pid_t scratch_owner;

/* By exit and out of a signal handler, so only with what either may call. A forked child of the test has the handlers too,
 * and leaves the directories alone. */
static inline void scratch_remove(void)
{
	pid_t child;

	if (getpid() != scratch_owner)
		return;
	child = vfork();
	if (!child) {
		execl("/bin/rm", "rm", "-rf", scratch_root, *scratch_pins ? scratch_pins : NULL, (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
}

static inline void scratch_on_signal(int number)
{
	scratch_remove();
	signal(number, SIG_DFL);
	raise(number);
}

/* By itself when the first directory is asked for: 0, or -1 when there is none to be had. */
static inline int scratch_begin(void)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM, SIGALRM };
	const char *parent = getenv("TMPDIR");

	if (scratch_owner)
		return 0;
	if (!parent || strlen(parent) > sizeof(scratch_root) - sizeof("/serin-test.XXXXXX"))
		parent = "/tmp";
	snprintf(scratch_root, sizeof(scratch_root), "%s/serin-test.XXXXXX", parent);
	if (!mkdtemp(scratch_root))
		return -1;
	chmod(scratch_root, 0711); /* what others may do in a directory can be tested */
	scratch_owner = getpid();
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		signal(ends[i], scratch_on_signal);
	return atexit(scratch_remove);
}

/* Makes a new and empty one: 0, or -1. */
static inline int scratch_directory(char ret_path[SCRATCH_LEN])
{
	static unsigned int number;

	if (scratch_begin())
		return -1;
	snprintf(ret_path, SCRATCH_LEN, "%s/%u", scratch_root, ++number % 10000);
	return mkdir(ret_path, 0700);
}

/* The path of a directory of pins that is not there yet, and will be gone with the others: 0, or -1. */
static inline int scratch_pin_dir(char ret_path[SCRATCH_LEN])
{
	if (scratch_begin())
		return -1;
	snprintf(scratch_pins, sizeof(scratch_pins), "/sys/fs/bpf/serin-test-%d", getpid());
	memcpy(ret_path, scratch_pins, SCRATCH_LEN);
	return 0;
}

#endif
