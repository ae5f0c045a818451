/* SPDX-License-Identifier: MIT */
#include "share/slots.h"

#include <string.h>

/* ---- Keys */

/* CRC-16/XMODEM, 4 bits at a time. */
static uint16_t crc16(const char *bytes, size_t length)
{
    static const uint16_t table[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
                                       0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
                                       0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
    unsigned crc = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned byte = (unsigned char)bytes[i];
        crc = ((crc << 4) ^ table[((crc >> 12) ^ (byte >> 4)) & 15]) & 0xffff;
        crc = ((crc << 4) ^ table[((crc >> 12) ^ byte) & 15]) & 0xffff;
    }
    return (uint16_t)crc;
}

unsigned slot_of_key(const char *key, size_t length)
{
    const char *open = length > 0 ? memchr(key, '{', length) : NULL;

    if (open) {
        size_t rest = length - (size_t)(open + 1 - key);
        const char *close = rest > 0 ? memchr(open + 1, '}', rest) : NULL;
        if (close && close > open + 1)
            return crc16(open + 1, (size_t)(close - open - 1)) % SLOTS;
    }
    return crc16(key, length) % SLOTS;
}

/* ---- The map */

static bool is_array(const redisReply *reply, size_t least)
{
    return reply && reply->type == REDIS_REPLY_ARRAY && reply->elements >= least;
}

static bool take_integer(const redisReply *reply, uint64_t max, uint64_t *value)
{
    if (!reply || reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 ||
        (uint64_t)reply->integer > max)
        return false;
    *value = (uint64_t)reply->integer;
    return true;
}

/* nil and "" stand for the host of the node that replied. */
static bool read_host(const redisReply *reply, struct span *host)
{
    if (!reply || (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_NIL))
        return false;
    *host = reply->type == REDIS_REPLY_NIL ? span_of("") : (struct span){reply->str, reply->len};
    return true;
}

/* The index of the server, which is added if it is new; SLOT_UNOWNED if there is no room. */
static uint8_t number_of_server(struct slot_map *map, const struct node_address *address)
{
    for (unsigned i = 0; i < map->count; i++)
        if (map->servers[i].port == address->port &&
            strcmp(map->servers[i].host, address->host) == 0)
            return (uint8_t)i;
    if (map->count == SHARE_NODES_MAX)
        return SLOT_UNOWNED;
    map->servers[map->count] = *address;
    return (uint8_t)map->count++;
}

/* [first slot, last slot, [host, port, ...] of the master, those of replicas...] */
static bool read_range(const redisReply *range, struct slot_map *map)
{
    uint64_t first, last, port;
    struct node_address address;
    struct span host;

    if (!is_array(range, 3) || !take_integer(range->element[0], SLOTS - 1, &first) ||
        !take_integer(range->element[1], SLOTS - 1, &last) || first > last)
        return false;
    const redisReply *master = range->element[2];
    if (!is_array(master, 2) || !read_host(master->element[0], &host) ||
        !take_integer(master->element[1], UINT16_MAX, &port))
        return false;
    if (node_address_set(&address, host, port)) /* the host is "?" if the node does not know it */
        memset(map->owner + first, number_of_server(map, &address), (size_t)(last - first + 1));
    return true;
}

bool slot_map_read(const redisReply *reply, struct slot_map *map)
{
    map->count = 0;
    memset(map->owner, SLOT_UNOWNED, sizeof map->owner);
    if (!is_array(reply, 0))
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (!read_range(reply->element[i], map))
            return false;
    return true;
}
