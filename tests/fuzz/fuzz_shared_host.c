/* SPDX-License-Identifier: MIT */
/* Any bytes may be in the shared tier. What is taken for a host is JSON, in p0f's range, and the same when it is
 * written and read once more. */
#include "holds.h"
#include "share/newest.h"
#include "json/render.h"
#include "json/shared_host.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct p0f_addr addr = {4, {192, 0, 2, 1}};

/* jansson refuses numbers that it has no type for, in members that nobody reads. */
static void check_syntax(const char *value, size_t length)
{
    json_error_t error;
    json_t *json = json_loadb(value, length, 0, &error);

    HOLDS(json || json_error_code(&error) == json_error_numeric_overflow);
    HOLDS(!json || json_is_object(json));
    json_decref(json);
}

static void check_rendered(const struct p0f_host *host)
{
    for (int format = 0; format < RENDER_FORMATS; format++) {
        size_t length;
        char *text = render_host(&addr, host, NULL, (enum render_format)format, &length);
        json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
        HOLDS(json);
        json_decref(json);
        free(text);
    }
}

static void check_round_trip(const struct shared_host *shared)
{
    char first[SHARED_HOST_MAX], second[SHARED_HOST_MAX];
    struct shared_host again;
    size_t length =
        shared_host_write(&addr, &shared->host, shared->sensor, shared->observed_at, first);

    HOLDS(length > 0);
    HOLDS(shared_host_read(first, length, &addr, &again));
    HOLDS(memcmp(shared, &again, sizeof again) == 0);
    HOLDS(shared_host_write(&addr, &again.host, again.sensor, again.observed_at, second) == length);
    HOLDS(memcmp(first, second, length) == 0);
}

/* In the field of its sensor, so that it counts if it is a host. */
static void check_newest(const char *value, size_t length, const char *sensor, bool valid)
{
    struct share_counts counts = {0};
    struct newest newest = {.addr = &addr, .now = NOW, .ttl_ms = 7200000, .counts = &counts};

    newest_add(&newest, sensor, strlen(sensor), value, length);
    HOLDS(newest.found + counts.fields_invalid + counts.fields_expired == 1);
    HOLDS(valid || counts.fields_invalid == 1);
    HOLDS(newest.best.seen <= NOW);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *value = (const char *)data;
    struct shared_host shared;
    bool valid = shared_host_read(value, size, &addr, &shared);

    check_newest(value, size, valid ? shared.sensor : "web1", valid);
    if (!valid)
        return 0;
    HOLDS(size <= SHARED_HOST_MAX);
    HOLDS(p0f_host_check(&shared.host) == P0F_OK);
    check_syntax(value, size);
    check_rendered(&shared.host);
    check_round_trip(&shared);
    return 0;
}
