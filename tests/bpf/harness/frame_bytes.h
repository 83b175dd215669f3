/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers in network byte order, wherever they lie. */
#ifndef SERIN_TEST_FRAME_BYTES_H
#define SERIN_TEST_FRAME_BYTES_H

#include <stdint.h>

#define ETH_LENGTH 14
#define IPV6_LENGTH 40
#define TCP_LENGTH 20
#define UDP_LENGTH 8
#define ICMP_LENGTH 8

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

#endif
