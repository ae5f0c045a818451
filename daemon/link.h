/* One of the pool's few places for a connection to p0f: connects, watches, breaks, pauses, connects
 * again. Never closes while p0f owes an answer. The pool's own; in the loop's thread. */
#ifndef LINK_H
#define LINK_H

#include "loop.h"
#include "p0fclient.h"

enum link_state {
    LINK_DOWN,      /* no connection; the timer says when to try again */
    LINK_PROBING,   /* connected, but p0f has not answered yet: it may be over its cap */
    LINK_READY,     /* p0f answers */
    LINK_CONDEMNED, /* its stream has gone wrong; open until nothing is owed */
};

enum link_event {
    LINK_EVENT_CONNECTED, /* queries can be put on it */
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
    unsigned failures;  /* since it was last ready */
    bool was_connected; /* ever */
};

/* Connects at once. Tells CONNECTED or LOST before it returns. */
void link_start(struct link *link, struct link_common *common);

/* Takes no more queries; one that is down stays down. Set common->retiring first. */
void link_retire(struct link *link);

/* Closes it, unless p0f owes an answer. Its owner is told nothing. */
void link_stop(struct link *link);

/* Whether queries can be put on it. */
bool link_is_open(const struct link *link);

/* Sends what was asked on it. */
void link_flush(struct link *link);

#endif
