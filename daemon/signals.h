/* SPDX-License-Identifier: MIT */
/* The signals that the daemon gets. Only SIGKILL, faults and abort() end it at once, since that closes
 * connections on which p0f may owe an answer, which can crash p0f. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "core/loop.h"

#include <signal.h>
#include <stdbool.h>

enum signals_order {
    SIGNALS_SHUT_DOWN,
    SIGNALS_RELOAD,
};

struct signals {
    /* Set by the caller. */
    struct loop *loop; /* borrowed until signals_close() */
    void (*obey)(void *ctx, enum signals_order order, const char *name);
    void *ctx;

    /* The signals' own. */
    struct loop_fd fd;
};

/* All signals that end a process by default, but for faults, SIGABRT and SIGPIPE. */
sigset_t signals_ending(void);

/* Keeps signals that would end a daemon that is starting, although they do not ask for that, for
 * signals_watch(). Those that do ask still end it. Before any thread starts. */
void signals_hold(void);

/* From now on obey() is called for each signal that means something, in the loop's thread; others are
 * logged and ignored. False with errno on failure; signals_close() is needed even then. Before any thread
 * starts, as it blocks them. */
bool signals_watch(struct signals *signals) __attribute__((warn_unused_result));

/* No-op on a zeroed struct. */
void signals_close(struct signals *signals);

#endif
