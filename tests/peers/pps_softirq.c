/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPU time of the thread that takes over softirqs which a CPU has no time for at once: packets' work as well. */
#include "pps.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_line(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = -1;

	if (fd >= 0) {
		length = read(fd, ret, size - 1);
		close(fd);
	}
	ret[length > 0 ? length : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return length > 0;
}

int softirq_thread(int cpu)
{
	char name[32], found[32], path[300];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	int pid = 0;

	snprintf(name, sizeof(name), "ksoftirqd/%d", cpu);
	while (proc && !pid && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (read_line(path, found, sizeof(found)) && !strcmp(found, name))
			pid = atoi(entry->d_name);
	}
	if (proc)
		closedir(proc);
	return pid;
}

uint64_t softirq_thread_ns(int pid)
{
	char path[32], line[128];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	return pid && read_line(path, line, sizeof(line)) ? strtoull(line, NULL, 10) : 0;
}
