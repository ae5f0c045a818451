/* SPDX-License-Identifier: MIT */
/* What the store has told the daemon of the hosts, and what the daemon has to make of it. */
#ifndef TOLD_H
#define TOLD_H

#include "model.h"
#include "share/share_query.h"
#include "truth.h"

#include <stdbool.h>
#include <stdint.h>

#define TOLD_SENSORS (MODEL_SENSORS_MAX + TRUTH_ELSEWHERE)

/* Of a host; without a field that is good, if there is something else at the key. */
struct told_hash {
    uint32_t host;
    uint64_t loop_round; /* before which it was sent as a whole; 0: it is not */
    struct told_field {
        bool there; /* and good */
        uint32_t number;
        int64_t observed_at;
    } fields[TOLD_SENSORS];
};

void told_start(int64_t ttl_ms);
void told_new_ttl(int64_t ttl_ms);

/* It is told a hash now, to be filled in by the caller. */
struct told_hash *told_add(uint32_t host);

/* All of them have been sent as a whole. */
void told_sent(void);

/* A moment. */
struct told_since {
    struct mono at;
    uint64_t reads; /* told before */
    uint64_t troubles;
    bool calm; /* then, and for a while before */
};

struct told_since told_now(void);

/* A round of the loop begins. */
void told_round(void);

/* Something has gone wrong: what the daemon has been told is not known any more. `muddled`: not even which replies it
 * takes for which. */
void told_trouble(bool muddled);
bool told_trouble_since(const struct told_since *since);

/* A read was answered, or not by its deadline; a PING was answered. */
void told_answered(void);
void told_missed(const struct told_since *since);

/* Nobody will know whether one is answered until then. */
void told_cancelled(struct mono deadline);

/* So many reads in a row were not answered, and no PING since, that the store is not to be asked. */
bool told_is_silent(void);

/* Fails the model unless this is what the daemon had to make of a hash that it was told since then. */
void told_judge_found(const struct told_since *since, uint32_t host,
                      const struct share_found *found);
void told_judge_none(const struct told_since *since, uint32_t host);

/* Fails the model if the daemon had an answer long before the time was over. */
void told_judge_missed(const struct told_since *since, uint32_t host);

#endif
