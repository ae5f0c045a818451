/* SPDX-License-Identifier: MIT */
/* A list of IP networks, as settings write it, and whether an address is in one of them. Pure. */
#ifndef NET_NETWORKS_H
#define NET_NETWORKS_H

#include "p0fclient.h"

#include <stdbool.h>

struct networks;

#define NETWORKS_ERROR_SIZE 128
#define NETWORKS_EXPECTED "networks such as 10.0.0.0/8 or ::1, comma separated"

/* Reads "127.0.0.0/8, ::1": an address alone is a network of one, ::ffff:10.0.0.0/104 is 10.0.0.0/8,
 * and an empty text is no network at all. The caller owns the list. NULL when it is not understood
 * or memory is out; `error` then says which item and why. */
struct networks *networks_parse(const char *text, char error[NETWORKS_ERROR_SIZE]);
void networks_free(struct networks *networks);

/* A few compares for each network; any thread. ::/0 holds all of IPv6 and nothing of IPv4. */
bool networks_contain(const struct networks *networks, const struct p0f_addr *addr);

#endif
