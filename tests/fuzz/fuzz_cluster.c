/* SPDX-License-Identifier: MIT */
/* Any reply of a node of a cluster may be a map of its slots or a redirection: what is taken from it are slots
 * of servers that are in the map, and addresses that can be connected to. */
#include "holds.h"
#include "share/redirect.h"
#include "share/slots.h"

#include <stdlib.h>
#include <string.h>

#define ELEMENTS_MAX 20000 /* of an array: node_connection.h refuses larger ones, too */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_huge_array(const uint8_t *data, size_t size)
{
    size_t elements = 0;
    bool counting = false;

    for (size_t i = 0; i < size && elements <= ELEMENTS_MAX; i++) {
        bool digit = counting && data[i] >= '0' && data[i] <= '9';
        elements = digit ? elements * 10 + (size_t)(data[i] - '0') : 0;
        counting = digit || data[i] == '*';
    }
    return elements > ELEMENTS_MAX;
}

static void check_address(const struct node_address *address)
{
    const char *end = memchr(address->host, '\0', sizeof address->host);

    HOLDS(end && address->port > 0);
    for (const char *c = address->host; c < end; c++)
        HOLDS(*c > ' ' && *c <= 'z' && !strchr("/@?#,;'\"\\", *c));
}

static void check_reply(const redisReply *reply)
{
    static struct slot_map map;
    struct redirect redirect;

    if (reply->type == REDIS_REPLY_ERROR) {
        /* In memory of that size, so that a read beyond the end is seen. */
        char *error = malloc(reply->len > 0 ? reply->len : 1);
        HOLDS(error);
        memcpy(error, reply->str, reply->len);
        if (redirect_parse((struct span){error, reply->len}, &redirect))
            check_address(&redirect.address);
        free(error);
    }
    if (!slot_map_read(reply, &map))
        return;
    HOLDS(map.count <= SHARE_NODES_MAX);
    for (unsigned i = 0; i < map.count; i++)
        check_address(&map.servers[i]);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        HOLDS(map.owner[slot] < map.count || map.owner[slot] == SLOT_UNOWNED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *reply = NULL;

    HOLDS(slot_of_key((const char *)data, size) < SLOTS);
    if (has_huge_array(data, size))
        return 0;
    redisReader *reader = redisReaderCreate();
    HOLDS(reader);
    if (redisReaderFeed(reader, (const char *)data, size) == REDIS_OK &&
        redisReaderGetReply(reader, &reply) == REDIS_OK && reply)
        check_reply(reply);
    freeReplyObject(reply);
    redisReaderFree(reader);
    return 0;
}
