/* SPDX-License-Identifier: MIT */
/* A list of IP networks, as written in the settings, and whether an address is in one of them.
 * Pure, except for allocation. */
#ifndef NET_NETWORKS_H
#define NET_NETWORKS_H

#include "p0fclient.h"

#include <stdbool.h>

struct networks;

#define NETWORKS_ERROR_SIZE 160
#define NETWORKS_TEXT_SIZE (P0F_ADDR_TEXT_SIZE + 4)
#define NETWORKS_EXPECTED "comma-separated networks such as 10.0.0.0/8 or ::1"

/* Reads "127.0.0.0/8, ::1". A single address is a network of one, ::ffff:10.0.0.0/104 is 10.0.0.0/8,
 * and an empty text is an empty list. The caller owns the list. NULL on a syntax error or out of
 * memory; `error` then says which item is wrong, and how. */
struct networks *networks_parse(const char *text, char error[NETWORKS_ERROR_SIZE]);

/* No-op on NULL. */
void networks_free(struct networks *networks);

/* Two comparisons per network. ::/0 contains all of IPv6 and nothing of IPv4. Any thread. */
bool networks_contain(const struct networks *networks, const struct p0f_addr *addr);

/* The first network that contains the address, as "10.0.0.0/8" or, for a network of one, "::1". "" if none
 * does. For messages: it tells the administrator what is meant, and nobody which host. Any thread. */
void networks_describe(const struct networks *networks, const struct p0f_addr *addr,
                       char text[NETWORKS_TEXT_SIZE]);

#endif
