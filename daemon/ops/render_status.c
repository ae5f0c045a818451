/* SPDX-License-Identifier: MIT */
#include "ops/render_status.h"

#include "core/rfc3339.h"
#include "p0f/pool_fault.h"
#include "json/render_private.h"

#include <jansson.h>

static json_t *time_text(int64_t seconds)
{
    char text[RFC3339_SIZE];

    return rfc3339_format(seconds, text) ? json_string(text) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? render_text(text) : json_null();
}

static json_t *dialect_or_null(enum p0f_dialect dialect)
{
    return dialect == P0F_DIALECT_AUTO ? json_null() : json_string(p0f_dialect_name(dialect));
}

/* The settings come section by section. */
static json_t *render_settings(const struct config_snapshot *snapshot)
{
    json_t *sections = json_object();

    for (size_t i = 0; sections && i < config_snapshot_count(snapshot); i++) {
        const struct setting *setting = config_snapshot_at(snapshot, i);
        if (!json_object_get(sections, setting->section))
            render_add(&sections, setting->section, json_object());
        json_t *section = json_object_get(sections, setting->section);
        if (section &&
            json_object_set_new(section, setting->key, render_text(setting->value)) != 0) {
            json_decref(sections);
            sections = NULL;
        }
    }
    return sections;
}

static json_t *render_store(uint32_t entries, uint32_t capacity, uint64_t bytes, uint64_t evictions)
{
    json_t *store = json_object();

    render_add(&store, "entries", json_integer(entries));
    render_add(&store, "capacity", json_integer(capacity));
    render_add(&store, "bytes", json_integer((json_int_t)bytes));
    render_add(&store, "evictions", json_integer((json_int_t)evictions));
    return store;
}

static json_t *render_cache(const struct status_snapshot *snapshot)
{
    const struct recall_counts *counts = &snapshot->cache;
    json_t *cache = json_object();

    render_add(&cache, "hosts",
               render_store(counts->hosts, snapshot->max_hosts, counts->hosts_bytes,
                            counts->evicted_hosts));
    render_add(&cache, "misses",
               render_store(counts->misses, snapshot->max_misses, counts->misses_bytes,
                            counts->evicted_misses));
    return cache;
}

static json_t *render_lookups(const struct lookup_counts *counts)
{
    json_t *lookups = json_object();

    render_add(&lookups, "pending", json_integer(counts->pending));
    render_add(&lookups, "max_pending", json_integer(counts->max_pending));
    render_add(&lookups, "flights", json_integer(counts->flights));
    return lookups;
}

static json_t *render_pool(const struct pool_status *status)
{
    json_t *pool = json_object();
    char outage[POOL_FAULT_SIZE];
    unsigned ready = 0;

    pool_fault_find(status, outage);
    for (uint32_t i = 0; i < status->connections; i++)
        ready += status->links[i].state == LINK_READY;
    render_add(&pool, "socket", render_text(status->socket));
    render_add(&pool, "p0f_up", json_boolean(status->up));
    render_add(&pool, "fault", text_or_null(outage));
    render_add(&pool, "limit_suspected", json_boolean(status->limit_suspected));
    render_add(&pool, "dialect", dialect_or_null(status->dialect));
    render_add(&pool, "ready", json_integer(ready));
    render_add(&pool, "queued", json_integer(status->queued));
    render_add(&pool, "in_flight", json_integer(status->outstanding));
    render_add(&pool, "max_rate", json_integer(status->max_rate));
    render_add(&pool, "reconnects", json_integer((json_int_t)status->reconnects));
    return pool;
}

static json_t *render_connection(const struct link_status *link)
{
    json_t *connection = json_object();
    char fault[POOL_FAULT_SIZE];

    pool_fault_describe(&link->fault, fault);
    render_add(&connection, "state", json_string(link_state_name(link->state)));
    render_add(&connection, "dialect", dialect_or_null(link->dialect));
    render_add(&connection, "age_seconds",
               link->state == LINK_DOWN ? json_null() : json_integer(link->age / 1000));
    render_add(&connection, "in_flight", json_integer(link->outstanding));
    render_add(&connection, "overdue_ms", json_integer(link->overdue));
    render_add(&connection, "pending", json_integer(link->pending));
    render_add(&connection, "reconnects", json_integer((json_int_t)link->reconnects));
    render_add(&connection, "last_error", text_or_null(fault));
    return connection;
}

static json_t *render_connections(const struct pool_status *pool)
{
    json_t *connections = json_array();

    for (uint32_t i = 0; connections && i < pool->connections; i++) {
        if (json_array_append_new(connections, render_connection(&pool->links[i])) != 0) {
            json_decref(connections);
            connections = NULL;
        }
    }
    return connections;
}

char *render_status(const struct status_snapshot *snapshot, size_t *length)
{
    json_t *status = json_object();

    render_add(&status, "name", json_string("p0f-lookupd"));
    render_add(&status, "version", json_string(snapshot->version));
    render_add(&status, "started", time_text(snapshot->started));
    render_add(&status, "uptime_seconds", json_integer(snapshot->uptime / 1000));
    render_add(&status, "configuration", render_settings(snapshot->snapshot));
    render_add(&status, "cache", render_cache(snapshot));
    render_add(&status, "lookups", render_lookups(&snapshot->lookups));
    render_add(&status, "pool", render_pool(&snapshot->pool));
    render_add(&status, "connections", render_connections(&snapshot->pool));
    return render_line(status, length);
}
