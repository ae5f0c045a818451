/* SPDX-License-Identifier: MIT */
/* Log messages about p0f: what is wrong with it, and that it answers.
 *
 * Each change of state is logged at once. What happens again and again is then only counted, and logged
 * with the count at growing intervals, so that neither a p0f that comes and goes nor something else on its
 * socket fills the log. A state that lasts is always logged within 10 seconds, and that p0f answers is
 * logged at once if the last message was another one: so the last message is true. Belongs to the loop's
 * thread. */
#ifndef P0F_POOL_LOG_H
#define P0F_POOL_LOG_H

#include "core/loop.h"
#include "p0f/pool_fault.h"

#include <stdbool.h>
#include <stdint.h>

#define POOL_LOG_PAUSE_MS 10000 /* between two messages about the same trouble, at first */
#define POOL_LOG_PAUSE_MAX_MS 3600000

/* Besides the faults: troubles of single connections, while p0f answers on others. */
enum pool_trouble {
    POOL_TROUBLE_DROPPED = POOL_FAULTS, /* given up for what p0f sent on it */
    POOL_TROUBLE_UNSERVED,              /* not answered */
    POOL_TROUBLES,
};

struct pool_log {
    struct loop *loop;
    const char *socket;
    void (*told)(void *ctx, const char *fault);
    void *ctx;

    enum pool_fault fault; /* now */
    struct mono changed;   /* when that began */
    bool untold;           /* it has not been logged yet */
    bool unserved;         /* one connection is not answered */
    bool told_well;        /* the last message was that p0f answers, or about a single connection */
    bool told_dropped;     /* it was about a single connection */
    bool told_fault;       /* what `told` was last called with */
    enum p0f_dialect spoken;
    struct pool_log_trouble {
        bool told; /* ever */
        struct mono at;
        int64_t pause_ms;    /* from then to the next message */
        uint32_t suppressed; /* messages since then */
        char reason[POOL_FAULT_SIZE];
    } troubles[POOL_TROUBLES];
    struct loop_timer timer; /* armed while messages are suppressed */
};

/* Borrows loop and socket. `told` is called with each fault that is logged, and with NULL when it is
 * logged that p0f answers again; it may be NULL. */
void pool_log_start(struct pool_log *log, struct loop *loop, const char *socket,
                    void (*told)(void *ctx, const char *fault), void *ctx);

/* p0f cannot be queried. Logged when that is new; POOL_FAULT_FOREIGN is counted each time. */
void pool_log_fault(struct pool_log *log, enum pool_fault fault, const char *reason);

/* A connection is given up while p0f answers on others. */
void pool_log_dropped(struct pool_log *log, const char *reason);

/* A connection is not answered while others are. Logged only the first time since pool_log_ready(). */
void pool_log_unserved(struct pool_log *log, const char *reason);

/* p0f has answered on a new connection. `first`: and on no other. `silent`: another one is still not
 * answered. */
void pool_log_ready(struct pool_log *log, enum p0f_dialect dialect, bool first, bool silent);

/* p0f answers again after POOL_FAULT_HUNG, which has lasted this long. */
void pool_log_recovered(struct pool_log *log, int64_t ms);

/* Drops what was suppressed. */
void pool_log_stop(struct pool_log *log);

#endif
