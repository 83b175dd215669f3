/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities, with libcap-ng. */
#include "priv.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>

/* The bounding set can be emptied by CAP_SETPCAP only; without it (a container), no_new_privs does the same job. */
static capng_select_t what_can_be_set(void)
{
	return capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) ? CAPNG_SELECT_ALL : CAPNG_SELECT_CAPS;
}

int priv_drop(struct complaint *complaint)
{
	capng_select_t sets;
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		r = -errno;
		return complain(complaint, r, "cannot set no_new_privs: %s", strerror(-r));
	}
	if (capng_get_caps_process())
		return complain(complaint, -EPERM, "cannot read the capabilities of this process");
	sets = what_can_be_set();
	capng_clear(sets);
	/* BPF and PERFMON: maps and programs. NET_ADMIN: links, neighbours. NET_RAW: resets of idle connections. */
	capng_updatev(CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN,
		      CAP_NET_RAW, -1);
	r = capng_apply(sets);
	if (r)
		return complain(complaint, -EPERM, "cannot give up capabilities (libcap-ng: %d)", r);
	return 0;
}
