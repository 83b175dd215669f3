/* SPDX-License-Identifier: BSD-2-Clause */
/* One `serin try` per port and network namespace. */
#ifndef SERIN_TRY_LOCK_H
#define SERIN_TRY_LOCK_H

#include <stdint.h>

#include "complaint.h"

/* 0 and a descriptor that holds the port until it is closed; -EADDRINUSE and a complaint that names the process that does;
 * another negative errno. No file is made. */
int try_lock(uint16_t port, uint8_t protocol, int *ret_fd, struct complaint *complaint);

#endif
