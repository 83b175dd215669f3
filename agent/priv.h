/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up what an attached agent no longer needs. */
#ifndef SERIN_PRIV_H
#define SERIN_PRIV_H

#include "complaint.h"

/* Keep CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_NET_RAW, drop the rest for good, and never gain any by exec. The
 * user stays: root without CAP_DAC_OVERRIDE still owns root's files. 0, or a negative errno and a complaint. */
int priv_drop(struct complaint *complaint);

#endif
