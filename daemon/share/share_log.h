/* SPDX-License-Identifier: MIT */
/* Log messages about what is wrong in the shared tier while its servers answer. That they do not is logged by
 * node_connection.h.
 *
 * What happens again and again is logged at growing intervals, with a count, so that a wrong key or a full server does not
 * fill the log. Belongs to the loop's thread. */
#ifndef SHARE_SHARE_LOG_H
#define SHARE_SHARE_LOG_H

#include "core/loop.h"

#include <stdbool.h>
#include <stdint.h>

#define SHARE_LOG_PAUSE_MS 60000 /* between two messages about the same trouble, at first */
#define SHARE_LOG_PAUSE_MAX_MS 3600000

enum share_trouble {
    SHARE_TROUBLE_WRONG_TYPE,    /* a key of ours holds something else than a hash */
    SHARE_TROUBLE_BAD_FIELD,     /* a field is not what a sensor writes */
    SHARE_TROUBLE_FULL,          /* the server takes no writes: out of memory */
    SHARE_TROUBLE_READ_ONLY,     /* ... it is a replica */
    SHARE_TROUBLE_REFUSED,       /* ... for another reason, as it says */
    SHARE_TROUBLE_NOT_PERMITTED, /* the user may not read or write */
    SHARE_TROUBLE_NO_MAP,        /* redirections, and no way to learn which node has what */
    SHARE_TROUBLE_NO_CLUSTER,    /* one of several servers is none of a cluster */
    SHARE_TROUBLE_TOO_MANY,      /* nodes: no room for another one */
    SHARE_TROUBLES,
};

struct share_log {
    struct loop *loop; /* borrowed; all else is zero at first */
    struct share_log_trouble {
        bool told; /* ever */
        struct mono at;
        int64_t pause_ms;    /* from then to the next message */
        uint32_t suppressed; /* messages since then */
    } troubles[SHARE_TROUBLES];
};

/* `detail`: the prefix of keys, the name of a field, or what the server says; at most 200 bytes of it are logged.
 * It has no key, since that has the address of a host. */
void share_log_trouble(struct share_log *log, enum share_trouble trouble, const char *server,
                       const char *detail);

#endif
