/* SPDX-License-Identifier: MIT */
/* A link: one connection to p0f at a time, re-established after a pause when it breaks, and never closed
 * while an answer is outstanding. Private to the pool, in the loop's thread; others get copies of struct
 * link_status. */
#ifndef P0F_LINK_H
#define P0F_LINK_H

#include "core/loop.h"
#include "p0f/pool_counts.h"
#include "p0f/socket_file.h"
#include "p0fclient.h"

enum link_state {
    LINK_DOWN,     /* no connection; the timer says when to try again */
    LINK_PROBING,  /* connected, but not answered yet: p0f's connection limit may be reached */
    LINK_READY,    /* p0f answers */
    LINK_DRAINING, /* failed, but kept open while answers are outstanding */
};

#define LINK_STATES (LINK_DRAINING + 1)

/* "down", "probing", "ready", "draining". */
const char *link_state_name(enum link_state state);

/* Why a connection ended or could not be made. */
struct link_fault {
    enum p0f_error error;     /* P0F_OK: none yet */
    int cause;                /* errno, with P0F_UNREACHABLE and P0F_SYSTEM */
    enum p0f_dialect dialect; /* detected; P0F_DIALECT_AUTO: not yet */
    uint8_t rejected_length;  /* with P0F_MALFORMED: how the answer begins */
    uint8_t rejected[P0F_REJECTED_MAX];
};

/* Whether whoever is there has never answered as the p0f that we expect: not one, perhaps. */
bool link_fault_is_foreign(const struct link_fault *fault);

/* A snapshot. Durations in milliseconds. */
struct link_status {
    enum link_state state;
    bool silent;              /* probing without an answer for a second or more */
    enum p0f_dialect dialect; /* spoken; P0F_DIALECT_AUTO: not known yet */
    unsigned outstanding;     /* answers, those to probes included */
    unsigned pending;         /* queries, sent or not */
    int64_t age;              /* of the connection; 0 when down */
    int64_t overdue;          /* since the last answer, if any is outstanding; else 0 */
    uint64_t reconnects;      /* ever */
    struct link_fault fault;  /* the last one, ever */
};

enum link_event {
    LINK_EVENT_CONNECTED, /* its probes are to be sent */
    LINK_EVENT_READY,     /* p0f answers */
    LINK_EVENT_SILENT,    /* connected for three seconds without an answer */
    LINK_EVENT_PROGRESS,  /* answers have arrived */
    LINK_EVENT_LOST,      /* `fault` says why; the callbacks of its queries have been called */
};

struct link;

/* Shared by the links of a pool. */
struct link_common {
    struct loop *loop;
    const char *socket;
    enum p0f_dialect dialect;
    unsigned pipeline;                         /* queries in flight on each */
    uint64_t random;                           /* state of the jitter */
    bool retiring;                             /* makes no new connections */
    char unreachable[SOCKET_FILE_REASON_SIZE]; /* why the last attempt to connect failed */
    struct pool_counts counts;
    void (*event)(void *ctx, struct link *link, enum link_event event);
    void *ctx;
};

struct link {
    struct link_common *common;
    enum link_state state;
    struct p0f_conn *conn; /* NULL when down */
    struct loop_fd watch;
    uint32_t events; /* that `watch` is watched for; 0: not watched */
    struct loop_timer timer;
    struct loop_timer drain_timer; /* armed while a draining one is not watched */
    unsigned failures;             /* since it was last ready for a while */
    unsigned foreign;              /* connections in a row to what is not our p0f */
    struct mono retry;             /* after those: when to try the same socket again */
    struct socket_file_id socket;  /* when `conn` was made */
    bool silent;
    bool recovering;      /* about to be ready again: p0f is there, only an answer was malformed */
    struct mono opened;   /* when `conn` was */
    struct mono ready;    /* when p0f first answered on it */
    struct mono answered; /* p0f's last answer */
    struct mono heard;    /* the same, or a query sent when none was outstanding */
    uint64_t connects;    /* successful ones, ever */
    struct link_fault fault;
};

/* Connects at once: raises CONNECTED or LOST before it returns. */
void link_start(struct link *link, struct link_common *common);

/* Takes no more queries, closes once nothing is outstanding, and then stays down. Set common->retiring
 * first. */
void link_retire(struct link *link);

/* Closes it, unless an answer is outstanding. Raises no event. */
void link_stop(struct link *link);

/* Stops waiting: tells its queries P0F_DISCONNECTED, and stays down. Set common->retiring first. Raises no
 * event. The caller owns the connection, on which answers may be outstanding. NULL when it is down. */
struct p0f_conn *link_give_up(struct link *link) __attribute__((warn_unused_result));

/* Whether it takes queries, or soon will again. */
bool link_may_answer(const struct link *link);

/* Sends its queries. */
void link_flush(struct link *link);

struct link_status link_status(const struct link *link);

#endif
