/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the BPF programs on an interface, a line "HOOK ID" for each: xdp, tcx/ingress, tcx/egress. (What hangs on a
 * clsact qdisc is shown by tc; bpftool of Debian 12 knows no tcx.)
 *
 *     programs DEV
 */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common.h"

/* Numbers of enum bpf_attach_type, for headers that are older than tcx. */
static const struct {
	const char *hook;
	unsigned int type;
} hooks[] = { { "xdp", 37 }, { "tcx/ingress", 46 }, { "tcx/egress", 47 } };

int main(int argc, char **argv)
{
	unsigned int i, n, ids[64];
	union bpf_attr attr;

	if (argc != 2 || !if_nametoindex(argv[1]))
		die("usage: programs DEV");
	for (i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		memset(&attr, 0, sizeof(attr));
		attr.query.target_fd = if_nametoindex(argv[1]);
		attr.query.attach_type = hooks[i].type;
		attr.query.prog_ids = (uintptr_t)ids;
		attr.query.prog_cnt = 64;
		if (syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)))
			continue; /* EINVAL: this kernel has no such hook, and for XDP one asks netlink */
		for (n = 0; n < attr.query.prog_cnt; n++)
			printf("%s %u\n", hooks[i].hook, ids[n]);
	}
	return 0;
}
