/* SPDX-License-Identifier: MIT */
#include "ops/render_status_private.h"
#include "p0f/pool_fault.h"
#include "json/object.h"

static json_t *dialect_or_null(enum p0f_dialect dialect)
{
    return dialect == P0F_DIALECT_AUTO ? json_null() : json_string(p0f_dialect_name(dialect));
}

json_t *render_pool(const struct pool_status *status)
{
    json_t *pool = json_object();
    char fault[POOL_FAULT_SIZE];
    unsigned ready = 0;

    pool_fault_find(status, fault);
    for (uint32_t i = 0; i < status->connections; i++)
        ready += status->links[i].state == LINK_READY;
    object_add(&pool, "socket", object_text(status->socket));
    object_add(&pool, "p0f_up", json_boolean(status->up));
    object_add(&pool, "fault", object_text_or_null(fault));
    object_add(&pool, "limit_suspected", json_boolean(status->limit_suspected));
    object_add(&pool, "dialect", dialect_or_null(status->dialect));
    object_add(&pool, "ready", json_integer(ready));
    object_add(&pool, "queued", json_integer(status->queued));
    object_add(&pool, "in_flight", json_integer(status->outstanding));
    object_add(&pool, "max_rate", json_integer(status->max_rate));
    object_add(&pool, "reconnects", json_integer((json_int_t)status->reconnects));
    return pool;
}

static json_t *render_connection(const struct link_status *link)
{
    json_t *connection = json_object();
    char fault[POOL_FAULT_SIZE];

    pool_fault_describe(&link->fault, fault);
    object_add(&connection, "state", json_string(link_state_name(link->state)));
    object_add(&connection, "dialect", dialect_or_null(link->dialect));
    object_add(&connection, "age_seconds",
               link->state == LINK_DOWN ? json_null() : json_integer(link->age / 1000));
    object_add(&connection, "in_flight", json_integer(link->outstanding));
    object_add(&connection, "overdue_ms", json_integer(link->overdue));
    object_add(&connection, "pending", json_integer(link->pending));
    object_add(&connection, "reconnects", json_integer((json_int_t)link->reconnects));
    object_add(&connection, "last_error", object_text_or_null(fault));
    return connection;
}

json_t *render_connections(const struct pool_status *pool)
{
    json_t *connections = json_array();

    for (uint32_t i = 0; i < pool->connections; i++)
        object_append(&connections, render_connection(&pool->links[i]));
    return connections;
}

static json_t *render_sensor(const struct status_sensor *sensor)
{
    json_t *object = json_object();
    char fault[POOL_FAULT_SIZE];

    pool_fault_find(&sensor->pool, fault);
    object_add(&object, "name", object_text(sensor->name));
    object_add(&object, "socket", object_text(sensor->pool.socket));
    object_add(&object, "up", json_boolean(sensor->pool.up));
    object_add(&object, "fault", object_text_or_null(fault));
    object_add(&object, "pool", render_pool(&sensor->pool));
    object_add(&object, "connections", render_connections(&sensor->pool));
    return object;
}

json_t *render_sensors(const struct status_sensor *sensors, unsigned count)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < count; i++)
        object_append(&list, render_sensor(&sensors[i]));
    return list;
}
