/* SPDX-License-Identifier: MIT */
/* Any bytes are what a visitor sends in the field that names the client, and what a proxy of ours appends to
 * it: a line each. Whom the latter names is the client, whatever the former are. */
#include "holds.h"
#include "net/client_walk.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_SIZE 4000
#define LISTS 2

static const char *const lists[LISTS] = {"", "10.0.0.0/8, 2001:db8:aa::/48"};

struct result {
    enum client_walk walk;
    struct p0f_addr client;
};

static struct result walk(enum client_header_kind header, const struct networks *trusted,
                          const char *first, const char *second)
{
    const char *const fields[] = {first, second};
    struct result result;

    memset(&result.client, 0xa5, sizeof result.client);
    result.walk = client_walk(header, trusted, NULL, fields, second ? 2 : 1, &result.client);
    HOLDS(result.walk != CLIENT_WALK_IGNORED);
    HOLDS(result.client.type == 0 || result.client.type == 4 || result.client.type == 6);
    HOLDS((result.walk == CLIENT_WALK_FOUND) ==
          (result.client.type && !networks_contain(trusted, &result.client)));
    HOLDS(result.walk != CLIENT_WALK_NOTHING || result.client.type == 0);
    HOLDS(result.walk != CLIENT_WALK_ALL_TRUSTED || result.client.type != 0);
    return result;
}

static bool is_same(const struct result *a, const struct result *b)
{
    return a->walk == b->walk && memcmp(&a->client, &b->client, sizeof a->client) == 0;
}

/* What ends a walk for certain, whatever is before it. */
static bool ends(enum client_header_kind header, const struct result *result)
{
    return result->walk == CLIENT_WALK_FOUND ||
           (result->walk == CLIENT_WALK_NO_ADDRESS && header != CLIENT_HEADER_FORWARDED);
}

static void check_walk(enum client_header_kind header, const struct networks *trusted,
                       const char *visitors, const char *ours)
{
    static const char *const marks[] = {",", ", ", "\t,"};
    const struct result alone = walk(header, trusted, ours, NULL);
    const struct result apart = walk(header, trusted, visitors, ours);
    char line[2 * TEXT_SIZE];

    HOLDS(alone.walk == CLIENT_WALK_NOTHING || alone.walk == CLIENT_WALK_ALL_TRUSTED ||
          is_same(&alone, &apart));
    for (size_t i = 0; header != CLIENT_HEADER_ADDRESS && i < sizeof marks / sizeof marks[0]; i++) {
        snprintf(line, sizeof line, "%s%s%s", visitors, marks[i], ours);
        const struct result together = walk(header, trusted, line, NULL);
        HOLDS(!ends(header, &alone) || is_same(&alone, &together));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_SIZE], error[NETWORKS_ERROR_SIZE];

    if (size >= sizeof text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    char *ours = text + strcspn(text, "\n");
    if (*ours)
        *ours++ = '\0';
    ours[strcspn(ours, "\n")] = '\0';
    for (int i = 0; i < LISTS; i++) {
        struct networks *trusted = networks_parse(lists[i], error);
        HOLDS(trusted);
        check_walk(CLIENT_HEADER_X_FORWARDED_FOR, trusted, text, ours);
        check_walk(CLIENT_HEADER_FORWARDED, trusted, text, ours);
        check_walk(CLIENT_HEADER_ADDRESS, trusted, text, ours);
        networks_free(trusted);
    }
    return 0;
}
