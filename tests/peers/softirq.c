/* SPDX-License-Identifier: BSD-2-Clause */
/* What the host of the namespace that this runs in makes of a CPU while a command runs: the softirqs of its devices, and its
 * processes without the softirqs that happened to run on top of them, whoever's these were. In one kernel with the hosts around
 * it no counter of the kernel tells that.
 *
 *     softirq [-p PROCESS]... -i IFACE... COMMAND...
 *
 * Prints what the command prints, and then a line of JSON; times in nanoseconds.
 */
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/types.h>

#include "../e2e/tools/common.h"
#include "softirq.h"

#include "peers/softirq.skel.h"

static __u32 processes[MAX_PROCESSES];
static unsigned int process_count;

static __u32 netns_inode(void)
{
	struct stat status;

	if (stat("/proc/self/ns/net", &status))
		die("/proc/self/ns/net: %s", strerror(errno));
	return (__u32)status.st_ino;
}

/* Nanoseconds that all threads of a process have run; of one that has ended, 0. */
static __u64 ran_ns(__u32 process)
{
	char path[300];
	struct dirent *entry;
	__u64 sum = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%u/task", process);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		unsigned long long ns;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%u/task/%s/schedstat", process, entry->d_name);
		file = *entry->d_name == '.' ? NULL : fopen(path, "r");
		if (file && fscanf(file, "%llu", &ns) == 1)
			sum += ns;
		if (file)
			fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return sum;
}

static __u64 all_ran_ns(void)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i < process_count; i++)
		sum += ran_ns(processes[i]);
	return sum;
}

static void load(struct softirq_bpf *bpf)
{
	__u8 yes = 1;
	unsigned int i;

	memcpy((void *)&bpf->rodata->netns, &(__u32){ netns_inode() }, sizeof(__u32));
	if (softirq_bpf__load(bpf))
		die("the program cannot be loaded: this kernel lacks raw tracepoints, or says nothing of its types (BTF)");
	for (i = 0; i < process_count; i++)
		bpf_map_update_elem(bpf_map__fd(bpf->maps.processes), &processes[i], &yes, BPF_ANY);
	if (softirq_bpf__attach(bpf))
		die("the tracepoints of softirqs cannot be had");
}

static int run(char **command)
{
	int status;
	pid_t child = fork();

	if (!child) {
		execvp(command[0], command);
		die("%s: %s", command[0], strerror(errno));
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		die("%s: %s", command[0], strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static struct softirq_times read_times(const struct softirq_bpf *bpf)
{
	int cpus = libbpf_num_possible_cpus(), i;
	struct softirq_times *of_cpu = calloc((size_t)(cpus > 0 ? cpus : 1), sizeof(*of_cpu)), sum = { 0 };
	__u32 zero = 0;

	if (!of_cpu || bpf_map_lookup_elem(bpf_map__fd(bpf->maps.times), &zero, of_cpu))
		die("the times cannot be read");
	for (i = 0; i < cpus; i++) {
		sum.devices += of_cpu[i].devices;
		sum.on_processes += of_cpu[i].on_processes;
		sum.packets += of_cpu[i].packets;
		sum.polls += of_cpu[i].polls;
	}
	free(of_cpu);
	return sum;
}

int main(int argc, char **argv)
{
	struct softirq_bpf *bpf = softirq_bpf__open();
	struct softirq_times times;
	unsigned int devices = 0;
	int option, status;
	__u64 ran;

	if (!bpf)
		die("the program cannot be read");
	while ((option = getopt(argc, argv, "+p:i:")) != -1) {
		if (option == 'p' && process_count < MAX_PROCESSES) {
			processes[process_count++] = (__u32)parse_number("-p", optarg, 1, 1 << 30);
		} else if (option == 'i' && devices < MAX_DEVICES) {
			__u32 ifindex = if_nametoindex(optarg);

			if (!ifindex)
				die("%s: there is no such interface here", optarg);
			memcpy((void *)&bpf->rodata->ifindexes[devices++], &ifindex, sizeof(ifindex));
		} else {
			die("an unknown option, or too many of one; see the top of softirq.c");
		}
	}
	if (!devices || optind == argc)
		die("-i and a command are needed; see the top of softirq.c");
	load(bpf);
	ran = all_ran_ns();
	status = run(argv + optind);
	ran = all_ran_ns() - ran;
	times = read_times(bpf);
	printf("{\"devices_ns\": %llu, \"packets\": %llu, \"polls\": %llu, \"ran_ns\": %llu, \"softirqs_meanwhile_ns\": %llu}\n",
	       times.devices, times.packets, times.polls, ran, times.on_processes);
	softirq_bpf__destroy(bpf);
	return status;
}
