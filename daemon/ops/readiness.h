/* SPDX-License-Identifier: MIT */
/* Whether p0f answers, all sensors or any of them: for GET /readyz.
 *
 * Each sensor is probed with a query for 0.0.0.0 at most once a second. The probe bypasses cache and
 * flights and goes ahead of all queries that wait in the pool. Requests share a probe, or the result of the
 * last one, and are done when there is a result for each sensor. A sensor without a connection on which p0f
 * has answered is not ready, and is not probed. */
#ifndef OPS_READINESS_H
#define OPS_READINESS_H

#include "core/loop.h"
#include "p0f/sensors.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct readiness;

#define READINESS_TIMEOUT_MAX 900 /* ms; so that a p0f that hangs is noticed within two seconds */
#define READINESS_REASON_SIZE 4096

struct readiness_request {
    /* Set by the caller. */
    void (*done)(struct readiness_request *request);

    /* Set when done. */
    bool ready;
    /* The sensors that do not answer, and why, for people: "wan: REASON; lan: REASON", or just the reason
     * if the sensor has no name. "" if all sensors answer. */
    char reason[READINESS_REASON_SIZE];

    /* The readiness's own. */
    struct readiness *readiness;
    SLIST_ENTRY(readiness_request) link;
    struct loop_task task;
};

/* Borrows loop and sensors. `timeout` (milliseconds) is how long a probe waits for p0f, at most
 * READINESS_TIMEOUT_MAX. Ready if all sensors answer. NULL with errno when out of memory. */
struct readiness *readiness_new(struct loop *loop, struct sensors *sensors, int64_t timeout);

/* After sensors_free(), since the pools may still have the queries. No request may be pending. No-op on NULL. */
void readiness_free(struct readiness *readiness);

/* In force from the next probe on. In the loop's thread. */
void readiness_set_timeout(struct readiness *readiness, int64_t timeout);

/* Whether one sensor that answers is enough. In the loop's thread. */
void readiness_set_any(struct readiness *readiness, bool any);

/* The request belongs to the readiness until done() is called, once: in the loop's thread or, when
 * shutting down, in this one before this returns. Any thread. */
void readiness_ask(struct readiness *readiness, struct readiness_request *request);

/* Not ready from here on, also for requests that wait. In the loop's thread. */
void readiness_shut_down(struct readiness *readiness);

/* Requests not yet done. When shutting down, once it is 0 no later request needs the loop. Any
 * thread. */
uint32_t readiness_pending(const struct readiness *readiness);

#endif
