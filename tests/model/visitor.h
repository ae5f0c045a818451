/* SPDX-License-Identifier: MIT */
/* One who asks the daemon: for visitors.c and judge.c. */
#ifndef VISITOR_H
#define VISITOR_H

#include "lookup/lookup.h"
#include "trouble.h"

enum visitor_state {
    VISITOR_CLAIMED,   /* told to submit, and has not */
    VISITOR_SUBMITTED, /* the loop has not run since */
    VISITOR_TAKEN,
};

struct visitor {
    struct lookup_request request; /* first, so that one is the other */
    uint32_t host;
    struct flow flow; /* who it is, as the lookup tells them apart */
    enum visitor_state state;
    uint64_t taken;  /* in this round of the loop */
    int64_t late_ms; /* a sensor that has not answered for so long was late then */
    unsigned index;  /* in `waiting` */
    bool sure;
    bool cancelled;
    struct mono cut; /* short; else never */
    struct mono came;
    int64_t wait_ms;          /* for a better answer than "no match", at least */
    int64_t timeout_ms;       /* at least */
    struct mono due;          /* at the latest */
    struct trouble_mark mark; /* when it came */
};

#endif
