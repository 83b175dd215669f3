/* SPDX-License-Identifier: BSD-2-Clause */
/* How many clients a version on trial has answered: what can be read out of the kernel's registers. Pure. */
#ifndef SERIN_SERVED_COUNT_H
#define SERIN_SERVED_COUNT_H

#include <stdint.h>

#include <serin/abi.h>

/* As many clients as most likely were met under that seed. With O. Ertl's estimator ("New cardinality estimation algorithms for
 * HyperLogLog sketches", 2017): without bias from the first client on, and it only grows with the registers. */
double served_estimate(const struct serin_served *served, uint64_t seed);

/* Its standard error, in clients: 3.2 % of 100, 3.7 % of 460, 4.6 % from some 1000 on. */
double served_error(double clients);

/* So many at least, four standard errors below the estimate. Of 20 000 simulated rollouts of 3000 clients, looked at with each
 * client, one was ever told of more than it had had. */
uint64_t served_at_least(double estimate);

/* How many it takes, most likely, to have that many at least. */
uint64_t served_needed(uint64_t at_least);

#endif
