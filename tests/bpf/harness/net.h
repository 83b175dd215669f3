/* SPDX-License-Identifier: BSD-2-Clause */
/* The network that data path tests and the bench run in: a namespace of the process's own with two interfaces.
 *
 *   clients 198.51.100.0/24, 2001:db8:c::/64 --- front [this host] rear --- backends 10.0.0.0/24, 2001:db8:b::/64
 *
 * Far ends exist as permanent neighbours only; nothing listens. Behind gateways: the clients 192.0.2.0/24,
 * 100.64.0.0/10, 2001:db8:7::/48 (front) and the backends 10.9.0.0/24, 2001:db8:9::/64 (rear). */
#ifndef SERIN_TEST_NET_H
#define SERIN_TEST_NET_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define NET_SKIP 77 /* exit status of a test that cannot run here */

#define NET_FRONT "front"
#define NET_REAR "rear"
#define NET_OTHER "other" /* 10.77.0.0/24, 2001:db8:77::/64: up, but nobody attaches to it */

#define NET_MTU 1500

/* The last byte is that of the host's addresses: NET_CLIENT_MAC(0x10) is 198.51.100.16 and 2001:db8:c::10. */
typedef struct {
	uint8_t byte[6];
} net_mac_t;

#define NET_MAC(high, low) ((net_mac_t){ { 2, 0, 0, 0, (high), (low) } })
#define NET_FRONT_MAC NET_MAC(1, 1)
#define NET_REAR_MAC NET_MAC(1, 2)
#define NET_CLIENT_MAC(last) NET_MAC(0x0c, last)  /* 198.51.100.<last>, 2001:db8:c::<last>; known: 0x10 to 0x13 */
#define NET_BACKEND_MAC(last) NET_MAC(0x0b, last) /* 10.0.0.<last>, 2001:db8:b::<last>; known: 0x11 to 0x18 */
#define NET_ONE_ARM_MAC(last) NET_MAC(0x0a, last) /* 198.51.100.<last>, 2001:db8:c::<last>; known: 0x21, 0x22 */
#define NET_CLIENT_GATEWAY_MAC NET_MAC(0x0c, 0xfe)
#define NET_BACKEND_GATEWAY_MAC NET_MAC(0x0b, 0xfe)

/* Move this process into a new network namespace and build all that in it. Without the privileges: says so and exits
 * with NET_SKIP. Any other failure: says what and exits with 1. */
void net_enter(void);

/* An interface forgets all of them when its address changes. */
void net_restore_neighbours(void);

/* Run a command of a program: whether it succeeded; what does not is printed. */
bool net_run(const char *program, const char *format, va_list arguments);

/* Run one `ip` command, without the word "ip"; exits with 1 when it fails. */
void net_ip(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
