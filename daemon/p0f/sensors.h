/* SPDX-License-Identifier: MIT */
/* The p0fs that the daemon asks, called sensors: a pool for each, with the name that answers, metrics and
 * messages have for it.
 *
 * Belongs to the loop's thread, but for the number and the names, which never change. */
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
        const char *name;   /* copied; "": none, which only a single sensor may have */
        const char *socket; /* copied */
    } sensors[SENSORS_MAX];
    unsigned count;
    enum p0f_dialect dialect; /* this and the others: of each, as in struct pool_options */
    unsigned connections;
    unsigned pipeline;
    uint32_t max_rate;
    uint64_t seed;
    /* Called with what is wrong (of the first sensor that cannot be queried, with its name, when that is
     * logged), and with NULL when none is left that has a fault. May be NULL. */
    void (*told)(void *ctx, const char *fault);
    void *ctx;
};

/* Connects at once. NULL with errno when out of memory. */
struct sensors *sensors_new(struct loop *loop, const struct sensors_options *options);

/* When: as for pool_free(). No-op on NULL. */
void sensors_free(struct sensors *sensors);

unsigned sensors_count(const struct sensors *sensors);

/* "" if it has none. Lives as long as the sensors. */
const char *sensors_name(const struct sensors *sensors, unsigned index);

struct pool *sensors_pool(const struct sensors *sensors, unsigned index);

/* Takes effect at once, for each of them. */
void sensors_set_max_rate(struct sensors *sensors, uint32_t max_rate);

/* As pool_retire(), for all: `drained` is called once. */
void sensors_retire(struct sensors *sensors, void (*drained)(void *ctx), void *ctx);

/* As pool_give_up(), for all. */
unsigned sensors_give_up(struct sensors *sensors, struct p0f_conn *conns[SENSORS_CONNECTIONS_MAX]);

/* Outstanding answers, over all. */
unsigned sensors_outstanding(const struct sensors *sensors);

/* Connections that are open, over all. */
unsigned sensors_connections(const struct sensors *sensors);

#endif
