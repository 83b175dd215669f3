/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What tests/bpf/tc_entry.bpf.c is told in the control block of an skb. */
#ifndef SERIN_TEST_TC_ENTRY_H
#define SERIN_TEST_TC_ENTRY_H

enum tc_entry_word {
	TC_ENTRY_TYPE,     /* the frame's ethertype, as it lies in the frame; 0: the one that it came with */
	TC_ENTRY_TAG_TYPE, /* a VLAN tag that the stack has taken out of the frame: its ethertype, likewise; 0: none */
	TC_ENTRY_TAG,      /* priority and VLAN id */
};

#define TC_ENTRY_FAILED 1001 /* no answer of the real program */

#endif
