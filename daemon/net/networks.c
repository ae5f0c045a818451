/* SPDX-License-Identifier: MIT */
#include "net/networks.h"

#include "core/number.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAPPED_BITS 96 /* in front of the IPv4 address in ::ffff:a.b.c.d */

/* Halves of p0f_addr.bytes in memory order: masks are made from bytes, so endianness does not matter. */
struct network {
    uint8_t type;
    uint64_t mask[2];
    uint64_t address[2];
};

struct networks {
    size_t count;
    struct network list[];
};

/* For "%.*s": as much of an item as a message shows. */
#define SHOWN(item) ((item).length < 50 ? (int)(item).length : 50), (item).at

static bool refuse_network(char error[NETWORKS_ERROR_SIZE], struct span item, const char *why)
{
    snprintf(error, NETWORKS_ERROR_SIZE, "%.*s: %s", SHOWN(item), why);
    return false;
}

/* ---- One network */

/* 0 to `max`, or -1. */
static int read_prefix(struct span digits, int max)
{
    bool leading_zero = digits.length > 1 && digits.at[0] == '0';
    uint64_t prefix;

    return !leading_zero && number_parse(digits, (uint64_t)max, &prefix) ? (int)prefix : -1;
}

static void make_mask(int prefix, uint8_t mask[16])
{
    for (int i = 0; i < 16; i++) {
        int ones = prefix - 8 * i;
        mask[i] = (uint8_t)(ones >= 8 ? 0xff : ones <= 0 ? 0 : 0xff << (8 - ones));
    }
}

/* Clears the bits of `addr` beyond `prefix`. False when any was set. */
static bool clear_host_bits(struct p0f_addr *addr, int prefix)
{
    const struct p0f_addr whole = *addr;
    uint8_t mask[16];

    make_mask(prefix, mask);
    for (int i = 0; i < 16; i++)
        addr->bytes[i] &= mask[i];
    return memcmp(whole.bytes, addr->bytes, 16) == 0;
}

static bool refuse_bits(char error[NETWORKS_ERROR_SIZE], struct span item,
                        const struct p0f_addr *network, int prefix)
{
    char text[P0F_ADDR_TEXT_SIZE];

    p0f_addr_format(network, text);
    snprintf(error, NETWORKS_ERROR_SIZE, "%.*s has host bits set; did you mean %s/%d?", SHOWN(item),
             text, prefix);
    return false;
}

/* Back to ::ffff:a.b.c.d, for a prefix that is too short for a network of IPv4. */
static void unfold(struct p0f_addr *addr)
{
    memcpy(addr->bytes + 12, addr->bytes, 4);
    memset(addr->bytes, 0, 10);
    memset(addr->bytes + 10, 0xff, 2);
    addr->type = 6;
}

static bool read_network(struct span item, struct network *network, char error[NETWORKS_ERROR_SIZE])
{
    struct span digits = item, text = span_split(&digits, '/');
    bool v6 = text.length > 0 && memchr(text.at, ':', text.length);
    int max = v6 ? 128 : 32, prefix = max;
    struct p0f_addr addr;
    enum p0f_error bad = p0f_addr_parse(text.at, text.length, &addr);
    uint8_t mask[16];

    if (bad)
        return refuse_network(error, item, p0f_strerror(bad));
    if (text.length < item.length)
        prefix = read_prefix(digits, max);
    if (prefix < 0)
        return refuse_network(error, item,
                              v6 ? "an IPv6 prefix length is a number from 0 to 128"
                                 : "an IPv4 prefix length is a number from 0 to 32");
    if (v6 && addr.type == 4) {
        if (prefix < MAPPED_BITS)
            unfold(&addr);
        else
            prefix -= MAPPED_BITS;
    }
    if (!clear_host_bits(&addr, prefix))
        return refuse_bits(error, item, &addr, prefix);
    make_mask(prefix, mask);
    network->type = addr.type;
    memcpy(network->mask, mask, sizeof mask);
    memcpy(network->address, addr.bytes, sizeof addr.bytes);
    return true;
}

/* ---- The list */

static bool read_networks(struct span list, struct networks *networks,
                          char error[NETWORKS_ERROR_SIZE])
{
    struct span item;

    while (span_next_item(&list, &item)) {
        if (item.length == 0) {
            snprintf(error, NETWORKS_ERROR_SIZE, "item %zu is empty", networks->count + 1);
            return false;
        }
        if (!read_network(item, &networks->list[networks->count], error))
            return false;
        networks->count++;
    }
    return true;
}

struct networks *networks_parse(const char *text, char error[NETWORKS_ERROR_SIZE])
{
    struct span list = span_trim(span_of(text));
    size_t max = 1;

    for (size_t i = 0; i < list.length; i++)
        max += list.at[i] == ',';
    struct networks *networks = calloc(1, sizeof *networks + max * sizeof networks->list[0]);
    if (!networks) {
        snprintf(error, NETWORKS_ERROR_SIZE, "out of memory");
        return NULL;
    }
    if (list.length > 0 && !read_networks(list, networks, error)) {
        networks_free(networks);
        return NULL;
    }
    return networks;
}

void networks_free(struct networks *networks)
{
    free(networks);
}

/* NULL if there is none. */
static const struct network *find_network(const struct networks *networks,
                                          const struct p0f_addr *addr)
{
    uint64_t half[2];

    memcpy(half, addr->bytes, sizeof half);
    for (size_t i = 0; i < networks->count; i++) {
        const struct network *network = &networks->list[i];
        if (network->type == addr->type &&
            ((half[0] & network->mask[0]) ^ network->address[0]) == 0 &&
            ((half[1] & network->mask[1]) ^ network->address[1]) == 0)
            return network;
    }
    return NULL;
}

bool networks_contain(const struct networks *networks, const struct p0f_addr *addr)
{
    return find_network(networks, addr) != NULL;
}

void networks_describe(const struct networks *networks, const struct p0f_addr *addr,
                       char text[NETWORKS_TEXT_SIZE])
{
    const struct network *network = find_network(networks, addr);
    struct p0f_addr first = {0};

    text[0] = '\0';
    if (!network)
        return;
    int prefix = __builtin_popcountll(network->mask[0]) + __builtin_popcountll(network->mask[1]);
    first.type = network->type;
    memcpy(first.bytes, network->address, sizeof first.bytes);
    p0f_addr_format(&first, text);
    if (prefix < (first.type == 4 ? 32 : 128))
        sprintf(text + strlen(text), "/%d", prefix);
}
