/* SPDX-License-Identifier: MIT */
#include "net/networks.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"
#define MAPPED_BITS 96 /* in front of the IPv4 address in ::ffff:a.b.c.d */

/* Halves of p0f_addr.bytes, in memory order: masks are made from bytes, so that it does not matter. */
struct network {
    uint8_t type;
    uint64_t mask[2];
    uint64_t address[2];
};

struct networks {
    size_t count;
    struct network list[];
};

struct item {
    const char *text;
    size_t length;
};

static bool refuse_network(char error[NETWORKS_ERROR_SIZE], struct item item, const char *why)
{
    snprintf(error, NETWORKS_ERROR_SIZE, "%.*s: %s", item.length < 50 ? (int)item.length : 50,
             item.text, why);
    return false;
}

/* ---- One network */

/* 0 to 128, or -1. */
static int read_prefix(const char *digits, size_t length)
{
    int prefix = 0;

    if (length == 0 || length > 3 || (length > 1 && digits[0] == '0'))
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return -1;
        prefix = prefix * 10 + (digits[i] - '0');
    }
    return prefix <= 128 ? prefix : -1;
}

static void make_mask(int prefix, uint8_t mask[16])
{
    for (int i = 0; i < 16; i++) {
        int ones = prefix - 8 * i;
        mask[i] = (uint8_t)(ones >= 8 ? 0xff : ones <= 0 ? 0 : 0xff << (8 - ones));
    }
}

/* Bits of `addr` beyond `prefix` are set to 0. False when there were any. */
static bool clear_host_bits(struct p0f_addr *addr, int prefix)
{
    const struct p0f_addr whole = *addr;
    uint8_t mask[16];

    make_mask(prefix, mask);
    for (int i = 0; i < 16; i++)
        addr->bytes[i] &= mask[i];
    return memcmp(whole.bytes, addr->bytes, 16) == 0;
}

static bool refuse_bits(char error[NETWORKS_ERROR_SIZE], struct item item,
                        const struct p0f_addr *meant, int prefix)
{
    char text[P0F_ADDR_TEXT_SIZE];

    p0f_addr_format(meant, text);
    snprintf(error, NETWORKS_ERROR_SIZE, "%.*s has bits set beyond its prefix; %s/%d is meant?",
             item.length < 40 ? (int)item.length : 40, item.text, text, prefix);
    return false;
}

/* Undoes the library's folding, where the prefix is too short for a network of IPv4. */
static void unfold(struct p0f_addr *addr)
{
    memcpy(addr->bytes + 12, addr->bytes, 4);
    memset(addr->bytes, 0, 10);
    memset(addr->bytes + 10, 0xff, 2);
    addr->type = 6;
}

static bool read_network(struct item item, struct network *network, char error[NETWORKS_ERROR_SIZE])
{
    const char *slash = memchr(item.text, '/', item.length);
    size_t length = slash ? (size_t)(slash - item.text) : item.length;
    struct p0f_addr addr;
    enum p0f_error bad = p0f_addr_parse(item.text, length, &addr);
    bool colons = memchr(item.text, ':', length) != NULL;
    int max = colons ? 128 : 32, prefix = max;
    uint8_t mask[16];

    if (bad)
        return refuse_network(error, item, p0f_strerror(bad));
    if (slash)
        prefix = read_prefix(slash + 1, item.length - length - 1);
    if (prefix < 0 || prefix > max)
        return refuse_network(error, item,
                              colons ? "the prefix of IPv6 is a number from 0 to 128"
                                     : "the prefix of IPv4 is a number from 0 to 32");
    if (colons && addr.type == 4) {
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

/* Takes the first item off *list, without the blanks around it; *list is NULL after the last. */
static struct item next_network(const char **list)
{
    struct item item = {.text = *list + strspn(*list, BLANKS)};
    const char *comma = item.text + strcspn(item.text, ",");

    item.length = (size_t)(comma - item.text);
    while (item.length > 0 && strchr(BLANKS, item.text[item.length - 1]))
        item.length--;
    *list = *comma ? comma + 1 : NULL;
    return item;
}

static bool read_networks(const char *text, struct networks *networks,
                          char error[NETWORKS_ERROR_SIZE])
{
    while (text) {
        struct item item = next_network(&text);
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
    size_t max = 1;

    text += strspn(text, BLANKS);
    for (const char *c = text; *c; c++)
        max += *c == ',';
    struct networks *networks = calloc(1, sizeof *networks + max * sizeof networks->list[0]);
    if (!networks) {
        snprintf(error, NETWORKS_ERROR_SIZE, "out of memory");
        return NULL;
    }
    if (*text && !read_networks(text, networks, error)) {
        networks_free(networks);
        return NULL;
    }
    return networks;
}

void networks_free(struct networks *networks)
{
    free(networks);
}

bool networks_contain(const struct networks *networks, const struct p0f_addr *addr)
{
    uint64_t half[2];

    memcpy(half, addr->bytes, sizeof half);
    for (size_t i = 0; i < networks->count; i++) {
        const struct network *network = &networks->list[i];
        if (network->type == addr->type &&
            ((half[0] & network->mask[0]) ^ network->address[0]) == 0 &&
            ((half[1] & network->mask[1]) ^ network->address[1]) == 0)
            return true;
    }
    return false;
}
