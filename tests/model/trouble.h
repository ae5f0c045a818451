/* SPDX-License-Identifier: MIT */
/* What explains an error: p0f or a system call has failed, and the daemon has not had the time to get
 * over it. */
#ifndef TROUBLE_H
#define TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

/* How things stood at some time. */
struct trouble_mark {
    bool calm; /* no trouble was felt */
    uint64_t any;
    uint64_t lies;
    uint64_t broken; /* single connections */
    uint64_t others; /* all else */
};

void trouble_start(void);

/* The pool takes no more queries: from now on errors need no other cause. */
void trouble_retired(void);

/* Takes in what has happened since the last call. */
void trouble_look(void);

/* A round of the loop begins. */
void trouble_round(void);

struct trouble_mark trouble_mark(void);

/* Whether anything was felt then or has happened since; whether p0f has answered nonsense. */
bool trouble_since(const struct trouble_mark *mark);
bool trouble_lies_since(const struct trouble_mark *mark);

/* Whether all was well then, and no more has happened since than that one connection broke. */
bool trouble_one_broken_since(const struct trouble_mark *mark);

#endif
