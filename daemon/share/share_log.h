/* SPDX-License-Identifier: MIT */
/* Logs what is wrong in the shared tier while its servers answer; node_log.h logs that they do not.
 *
 * Repeated messages are logged at growing intervals, with a count, so that a wrong key or a full server does not
 * fill the log. Belongs to the loop's thread. */
#ifndef SHARE_SHARE_LOG_H
#define SHARE_SHARE_LOG_H

#include "core/loop.h"

#include <stdbool.h>
#include <stdint.h>

#define SHARE_LOG_PAUSE_MS 60000 /* between the first two messages about the same trouble */
#define SHARE_LOG_PAUSE_MAX_MS 3600000

enum share_trouble {
    SHARE_TROUBLE_WRONG_TYPE,    /* a key with our prefix is not a hash */
    SHARE_TROUBLE_BAD_FIELD,     /* a field is not what a sensor writes */
    SHARE_TROUBLE_FULL,          /* the server refuses writes: out of memory */
    SHARE_TROUBLE_READ_ONLY,     /* ... it is a read-only replica */
    SHARE_TROUBLE_REFUSED,       /* ... for another reason */
    SHARE_TROUBLE_NOT_PERMITTED, /* the user lacks permissions */
    SHARE_TROUBLE_NO_MAP,        /* redirected, but CLUSTER SLOTS fails */
    SHARE_TROUBLE_NO_CLUSTER,    /* one of several servers is not in cluster mode */
    SHARE_TROUBLE_TOO_MANY,      /* more nodes than SHARE_NODES_MAX */
    SHARE_TROUBLES,
};

struct share_log {
    struct loop *loop; /* borrowed; all else is zero at first */
    struct share_log_trouble {
        bool logged;         /* ever */
        struct mono at;      /* the last message */
        int64_t pause_ms;    /* to the next message */
        uint32_t suppressed; /* messages since the last one */
    } troubles[SHARE_TROUBLES];
};

/* `detail` is the prefix of keys, the name of a field, or the server's error; at most 200 bytes of it are logged. Never
 * a key, which has the address of a host. */
void share_log_trouble(struct share_log *log, enum share_trouble trouble, const char *server,
                       const char *detail);

#endif
