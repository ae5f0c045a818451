/* SPDX-License-Identifier: MIT */
#include "p0f/sensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sensor {
    struct sensors *all;
    struct pool *pool;
    char *name;
    bool faulty;
    char fault[SENSORS_FAULT_SIZE]; /* as logged last */
};

struct sensors {
    void (*told)(void *ctx, const char *fault);
    void *told_ctx;
    void (*drained)(void *ctx);
    void *drained_ctx;
    unsigned undrained; /* pools that are not drained since sensors_retire() */
    unsigned count;
    struct sensor sensor[];
};

/* ---- Faults */

static const char *first_fault(const struct sensors *sensors)
{
    for (unsigned i = 0; i < sensors->count; i++)
        if (sensors->sensor[i].faulty)
            return sensors->sensor[i].fault;
    return NULL;
}

static void on_sensor_told(void *ctx, const char *fault)
{
    struct sensor *sensor = ctx;
    struct sensors *sensors = sensor->all;

    sensor->faulty = fault != NULL;
    if (fault)
        snprintf(sensor->fault, sizeof sensor->fault, "%s%s%s", sensor->name,
                 sensor->name[0] ? ": " : "", fault);
    if (sensors->told)
        sensors->told(sensors->told_ctx, first_fault(sensors));
}

/* ---- One sensor */

unsigned sensors_count(const struct sensors *sensors)
{
    return sensors->count;
}

const char *sensors_name(const struct sensors *sensors, unsigned index)
{
    return sensors->sensor[index].name;
}

struct pool *sensors_pool(const struct sensors *sensors, unsigned index)
{
    return sensors->sensor[index].pool;
}

/* ---- All sensors */

void sensors_set_max_rate(struct sensors *sensors, uint32_t max_rate)
{
    for (unsigned i = 0; i < sensors->count; i++)
        pool_set_max_rate(sensors->sensor[i].pool, max_rate);
}

static void on_sensor_drained(void *ctx)
{
    struct sensors *sensors = ctx;

    if (--sensors->undrained == 0)
        sensors->drained(sensors->drained_ctx);
}

void sensors_retire(struct sensors *sensors, void (*drained)(void *ctx), void *ctx)
{
    sensors->drained = drained;
    sensors->drained_ctx = ctx;
    sensors->undrained = sensors->count;
    for (unsigned i = 0; i < sensors->count; i++)
        pool_retire(sensors->sensor[i].pool, on_sensor_drained, sensors);
}

unsigned sensors_give_up(struct sensors *sensors, struct p0f_conn *conns[SENSORS_CONNECTIONS_MAX])
{
    unsigned count = 0;

    for (unsigned i = 0; i < sensors->count; i++)
        count += pool_give_up(sensors->sensor[i].pool, conns + count);
    return count;
}

unsigned sensors_outstanding(const struct sensors *sensors)
{
    unsigned outstanding = 0;

    for (unsigned i = 0; i < sensors->count; i++)
        outstanding += pool_outstanding(sensors->sensor[i].pool);
    return outstanding;
}

unsigned sensors_connections(const struct sensors *sensors)
{
    unsigned connections = 0;

    for (unsigned i = 0; i < sensors->count; i++)
        connections += pool_connections(sensors->sensor[i].pool);
    return connections;
}

/* ---- The whole */

static bool start_sensor(struct sensor *sensor, struct loop *loop,
                         const struct sensors_options *options, unsigned index)
{
    sensor->name = strdup(options->sensors[index].name);
    if (!sensor->name)
        return false;
    sensor->pool = pool_new(loop, &(struct pool_options){
                                      .socket = options->sensors[index].socket,
                                      .dialect = options->dialect,
                                      .connections = options->connections,
                                      .pipeline = options->pipeline,
                                      .max_rate = options->max_rate,
                                      .seed = options->seed + index,
                                      .told = on_sensor_told,
                                      .ctx = sensor,
                                  });
    return sensor->pool;
}

struct sensors *sensors_new(struct loop *loop, const struct sensors_options *options)
{
    struct sensors *sensors = calloc(1, sizeof *sensors + options->count * sizeof(struct sensor));

    if (!sensors)
        return NULL;
    sensors->told = options->told;
    sensors->told_ctx = options->ctx;
    sensors->count = options->count;
    for (unsigned i = 0; i < options->count; i++) {
        sensors->sensor[i].all = sensors;
        if (!start_sensor(&sensors->sensor[i], loop, options, i)) {
            sensors_free(sensors);
            return NULL;
        }
    }
    return sensors;
}

void sensors_free(struct sensors *sensors)
{
    if (!sensors)
        return;
    for (unsigned i = 0; i < sensors->count; i++) {
        pool_free(sensors->sensor[i].pool);
        free(sensors->sensor[i].name);
    }
    free(sensors);
}
