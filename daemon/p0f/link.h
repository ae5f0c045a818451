/* SPDX-License-Identifier: MIT */
/* One of the pool's few places for a connection to p0f: connects, watches, breaks, pauses, connects
 * again. Never closes while p0f owes an answer. The pool's own, in the loop's thread; others see
 * copies of struct link_status. */
#ifndef P0F_LINK_H
#define P0F_LINK_H

#include "core/loop.h"
#include "p0fclient.h"

enum link_state {
    LINK_DOWN,     /* no connection; the timer says when to try again */
    LINK_PROBING,  /* connected, but p0f has not answered yet: it may be over its cap */
    LINK_READY,    /* p0f answers */
    LINK_DRAINING, /* its stream has gone wrong; open until nothing is owed */
};

#define LINK_STATES (LINK_DRAINING + 1)

/* "down", "probing", "ready", "draining". */
const char *link_state_name(enum link_state state);

/* What ended a connection, or kept it from coming about. */
struct link_fault {
    enum p0f_error error;     /* P0F_OK: nothing yet */
    int cause;                /* errno, with P0F_UNREACHABLE and P0F_SYSTEM */
    enum p0f_dialect dialect; /* that was heard, with P0F_WRONG_DIALECT */
};

/* One place, as it was when it was looked at. Durations in milliseconds. */
struct link_status {
    enum link_state state;
    bool silent;              /* probing in vain for a second and more */
    enum p0f_dialect dialect; /* spoken on it; P0F_DIALECT_AUTO: not known yet */
    unsigned outstanding;     /* answers to what was sent, probes included */
    unsigned pending;         /* queries on it, sent or not */
    int64_t age;              /* of the connection; 0 when down */
    int64_t overdue;          /* since p0f has answered nothing though it owes; 0: owes nothing */
    uint64_t reconnects;      /* connections that took the place of a lost one, ever */
    struct link_fault fault;  /* the last one, ever */
};

enum link_event {
    LINK_EVENT_CONNECTED, /* its probes are to be sent */
    LINK_EVENT_READY,     /* p0f answers */
    LINK_EVENT_SILENT,    /* connected for a while, and p0f has not answered yet */
    LINK_EVENT_PROGRESS,  /* answers have come */
    LINK_EVENT_LOST,      /* `error` says why; those who asked on it have been told */
};

struct link;

/* What the links of a pool have in common. */
struct link_common {
    struct loop *loop;
    const char *socket;
    enum p0f_dialect dialect;
    unsigned pipeline; /* queries in flight on one */
    uint64_t random;   /* state of the jitter */
    bool retiring;     /* no new connections */
    void (*event)(void *ctx, struct link *link, enum link_event event, enum p0f_error error);
    void *ctx;
};

struct link {
    struct link_common *common;
    enum link_state state;
    struct p0f_conn *conn; /* NULL when down */
    struct loop_fd watch;
    uint32_t events; /* what `watch` asks for; 0: not watched */
    struct loop_timer timer;
    struct loop_timer drain_timer; /* armed while a condemned one is not watched */
    unsigned failures;             /* since it was last ready for a while */
    bool silent;
    bool recovering;    /* it will be ready again soon: p0f is there, and only one answer was bad */
    struct mono opened; /* when `conn` was */
    struct mono ready;  /* when p0f first answered on it */
    struct mono heard;  /* when p0f last answered on it, or began to owe */
    uint64_t connects;  /* that succeeded, ever */
    struct link_fault fault;
};

/* Connects at once. Tells CONNECTED or LOST before it returns. */
void link_start(struct link *link, struct link_common *common);

/* Takes no more queries; one that is down stays down. Set common->retiring first. */
void link_retire(struct link *link);

/* Closes it, unless p0f owes an answer. Its owner is told nothing. */
void link_stop(struct link *link);

/* Whether queries can be put on it, or soon can again. */
bool link_may_answer(const struct link *link);

/* Sends what was asked on it. */
void link_flush(struct link *link);

struct link_status link_status(const struct link *link);

#endif
