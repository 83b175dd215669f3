/* SPDX-License-Identifier: BSD-2-Clause */
/* `make sim`: the judge and the kernel's lines over seeded traffic, and whether they keep what is promised of them. */
#include <stdio.h>

#include "parallel.h"
#include "report.h"

int main(void)
{
	printf("%u runs of each row\n", sim_runs());
	false_alarms();
	several_versions();
	latency();
	stalls();
	guard_under_outage();
	health();
	health_by_clients();
	detection();
	printf("\n%s\n", report_failed() ? "NOT all that is promised was kept" : "all that is promised was kept");
	return report_failed();
}
