/* SPDX-License-Identifier: MIT */
/* The sensors: the p0fs that the daemon queries. Each has a pool of connections, and a name that appears in
 * answers, metrics and messages.
 *
 * Belongs to the loop's thread, except for the number and the names of the sensors, which never change. */
#ifndef P0F_SENSORS_H
#define P0F_SENSORS_H

#include "p0f/pool.h"
#include "p0f/pool_fault.h"

#include <stdbool.h>
#include <stdint.h>

#define SENSORS_MAX 16
#define SENSORS_NAME_SIZE 128
#define SENSORS_FAULT_SIZE (POOL_FAULT_SIZE + SENSORS_NAME_SIZE)
#define SENSORS_CONNECTIONS_MAX (SENSORS_MAX * POOL_MAX)

struct sensors;

struct sensors_options {
    struct {
        const char *name;   /* copied; "" for none, if there is only one sensor */
        const char *socket; /* copied */
    } sensors[SENSORS_MAX];
    unsigned count;
    enum p0f_dialect dialect; /* this and the following: for each pool, see struct pool_options */
    unsigned connections;
    unsigned pipeline;
    uint32_t max_rate;
    uint64_t seed;
    /* Called when a fault is logged, with that of the first sensor that cannot be queried and its name; and
     * with NULL when no sensor has a fault any more. May be NULL. */
    void (*told)(void *ctx, const char *fault);
    void *ctx;
};

/* Starts connecting. NULL with errno when out of memory. */
struct sensors *sensors_new(struct loop *loop, const struct sensors_options *options);

/* See pool_free() for when. No-op on NULL. */
void sensors_free(struct sensors *sensors);

unsigned sensors_count(const struct sensors *sensors);

/* "" for none. Lives as long as the sensors. */
const char *sensors_name(const struct sensors *sensors, unsigned index);

struct pool *sensors_pool(const struct sensors *sensors, unsigned index);

/* Takes effect at once, for each sensor. */
void sensors_set_max_rate(struct sensors *sensors, uint32_t max_rate);

/* pool_retire() for all sensors; `drained` is called once. */
void sensors_retire(struct sensors *sensors, void (*drained)(void *ctx), void *ctx);

/* pool_give_up() for all sensors. */
unsigned sensors_give_up(struct sensors *sensors, struct p0f_conn *conns[SENSORS_CONNECTIONS_MAX]);

/* Outstanding answers of all sensors. */
unsigned sensors_outstanding(const struct sensors *sensors);

/* Open connections to all sensors. */
unsigned sensors_connections(const struct sensors *sensors);

#endif
