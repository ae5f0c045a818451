/* SPDX-License-Identifier: MIT */
#include "ops/render_status.h"

#include "core/rfc3339.h"
#include "core/span.h"
#include "ops/render_status_private.h"
#include "json/object.h"

#include <jansson.h>
#include <stdio.h>

static json_t *time_text(int64_t seconds)
{
    char text[RFC3339_SIZE];

    return rfc3339_format(seconds, text) ? json_string(text) : json_null();
}

/* The settings come section by section. */
static json_t *render_settings(const struct config_snapshot *snapshot)
{
    json_t *sections = json_object();

    for (size_t i = 0; sections && i < config_snapshot_count(snapshot); i++) {
        const struct setting *setting = config_snapshot_at(snapshot, i);
        if (!json_object_get(sections, setting->section))
            object_add(&sections, setting->section, json_object());
        json_t *section = json_object_get(sections, setting->section);
        if (section &&
            json_object_set_new(section, setting->key, object_text(setting->value)) != 0) {
            json_decref(sections);
            sections = NULL;
        }
    }
    return sections;
}

static json_t *render_waiting(const struct config_snapshot *snapshot)
{
    json_t *waiting = json_object();

    for (size_t i = 0; i < config_snapshot_count(snapshot); i++) {
        const struct setting *setting = config_snapshot_at(snapshot, i);
        char name[64];
        if (!setting->waiting)
            continue;
        snprintf(name, sizeof name, "%s.%s", setting->section, setting->key);
        object_add(&waiting, name, object_text(setting->waiting));
    }
    return waiting;
}

static json_t *render_reload(const struct status_snapshot *snapshot)
{
    const struct status_reload *reload = &snapshot->reload;
    json_t *object = json_object();

    object_add(&object, "successful", json_boolean(!reload->error[0]));
    object_add(&object, "last_success", time_text(reload->succeeded));
    object_add(&object, "error", object_text_or_null(reload->error));
    object_add(&object, "waiting_for_restart", render_waiting(snapshot->configuration));
    return object;
}

static json_t *render_store(uint32_t entries, uint32_t capacity, uint64_t bytes, uint64_t evictions)
{
    json_t *store = json_object();

    object_add(&store, "entries", json_integer(entries));
    object_add(&store, "capacity", json_integer(capacity));
    object_add(&store, "bytes", json_integer((json_int_t)bytes));
    object_add(&store, "evictions", json_integer((json_int_t)evictions));
    return store;
}

static json_t *render_cache(const struct status_snapshot *snapshot)
{
    const struct recall_counts *counts = &snapshot->cache;
    json_t *cache = json_object();

    object_add(&cache, "hosts",
               render_store(counts->hosts, snapshot->max_hosts, counts->hosts_bytes,
                            counts->evicted_hosts));
    object_add(&cache, "misses",
               render_store(counts->misses, snapshot->max_misses, counts->misses_bytes,
                            counts->evicted_misses));
    return cache;
}

static json_t *render_lookups(const struct lookup_counts *counts)
{
    json_t *lookups = json_object();

    object_add(&lookups, "pending", json_integer(counts->pending));
    object_add(&lookups, "max_pending", json_integer(counts->max_pending));
    object_add(&lookups, "flights", json_integer(counts->flights));
    return lookups;
}

static json_t *render_listen(const char *addresses)
{
    json_t *list = json_array();
    struct span rest = span_of(addresses), item;

    while (span_next_item(&rest, &item))
        object_append(&list, json_stringn(item.at, item.length));
    return list;
}

static json_t *render_relay(const struct status_relay *relay)
{
    json_t *object = json_object();

    object_add(&object, "listen", render_listen(relay->listen));
    object_add(&object, "connections", json_integer(relay->connections));
    object_add(&object, "max_connections", json_integer(relay->max_connections));
    object_add(&object, "lookups", json_integer(relay->lookups));
    object_add(&object, "max_lookups", json_integer(relay->max_lookups));
    return object;
}

static json_t *render_tls(const struct status_tls *tls)
{
    const struct tls_facts *facts = &tls->certificate;
    json_t *object = json_object(), *certificate = json_object();

    object_add(&certificate, "subject", object_text_or_null(facts->subject));
    object_add(&certificate, "issuer", object_text_or_null(facts->issuer));
    object_add(&certificate, "sha256_fingerprint", json_string(facts->fingerprint));
    object_add(&certificate, "not_before", time_text(facts->not_before));
    object_add(&certificate, "not_after", time_text(facts->not_after));
    object_add(&object, "listen", render_listen(tls->listen));
    object_add(&object, "certificate", certificate);
    return object;
}

char *render_status(const struct status_snapshot *snapshot, size_t *length)
{
    json_t *status = json_object();

    object_add(&status, "name", json_string("p0f-lookupd"));
    object_add(&status, "version", json_string(snapshot->version));
    object_add(&status, "started", time_text(snapshot->started));
    object_add(&status, "uptime_seconds", json_integer(snapshot->uptime / 1000));
    object_add(&status, "configuration", render_settings(snapshot->configuration));
    object_add(&status, "reload", render_reload(snapshot));
    object_add(&status, "cache", render_cache(snapshot));
    object_add(&status, "lookups", render_lookups(&snapshot->lookups));
    if (snapshot->sensors_count == 1)
        object_add(&status, "pool", render_pool(&snapshot->sensors[0].pool));
    if (snapshot->sensors[0].name[0])
        object_add(&status, "sensors", render_sensors(snapshot->sensors, snapshot->sensors_count));
    if (snapshot->share)
        object_add(&status, "share", render_share(snapshot->share));
    if (snapshot->has_tls)
        object_add(&status, "tls", render_tls(&snapshot->tls));
    if (snapshot->has_relay)
        object_add(&status, "relay", render_relay(&snapshot->relay));
    if (snapshot->sensors_count == 1)
        object_add(&status, "connections", render_connections(&snapshot->sensors[0].pool));
    return object_line(status, length);
}

char *render_readiness(const char *status, const char *detail, size_t *length)
{
    json_t *readiness = json_object();

    object_add(&readiness, "status", json_string(status));
    object_add(&readiness, "detail", object_text(detail));
    return object_line(readiness, length);
}
