/* SPDX-License-Identifier: BSD-2-Clause */
/* What cannot be seen of a service's answers, in words. Pure. */
#ifndef SERIN_BLIND_H
#define SERIN_BLIND_H

/* By `protocol` and `forward` in the configuration's words: a sentence of one line, or NULL when all is seen that there is. */
const char *blind_to(const char *protocol, const char *forward);

#endif
