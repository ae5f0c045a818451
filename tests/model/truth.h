/* SPDX-License-Identifier: MIT */
/* The hosts of the model's world, and what sensors have said of each: those of this daemon, each of which
 * knows some of them, and those of other machines, which are only seen in the tier. What is said of a host names
 * the host in nearly every field, so that an answer that reaches the wrong visitor is found. */
#ifndef TRUTH_H
#define TRUTH_H

#include "core/clock.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

#define TRUTH_HOSTS 512
#define TRUTH_ELSEWHERE 4 /* sensors of other machines; their numbers follow those of our own */

enum truth_kind {
    TRUTH_KNOWN,   /* p0f always knows it */
    TRUTH_UNKNOWN, /* p0f never does */
    TRUTH_CHANGES, /* now it does, now it does not, or only half */
};

/* Sensors have names when there are several, or a tier. */
void truth_start(void);
void truth_end(void);

const char *truth_sensor(unsigned sensor);

struct p0f_addr truth_addr(uint32_t host);

/* The number of the host with this address; fails the model when there is none. */
uint32_t truth_host(const struct p0f_addr *addr);

/* KNOWN: to one of our sensors at least. UNKNOWN: to none. */
enum truth_kind truth_kind(uint32_t host);

/* No sensor knows it, wherever it is. */
bool truth_is_nowhere(uint32_t host);

/* What the p0f of one of our sensors says of a host now, in this dialect; remembered as said now. */
struct p0f_answer truth_say(unsigned sensor, uint32_t host, enum p0f_dialect dialect);

/* What a sensor of another machine has said, so long ago. */
struct p0f_host truth_say_elsewhere(unsigned sensor, uint32_t host, int64_t seconds_ago);

/* The hosts that change are not to this sensor what they were. */
void truth_forget(unsigned sensor);

/* Whether every one of our sensors has said "no match" of it since then. */
bool truth_denied_since(uint32_t host, struct mono since);

/* ---- What was said, by its number, which is in total_conn */

struct truth_said {
    uint32_t host;
    unsigned sensor;
    enum p0f_dialect dialect;
    bool complete;
    uint32_t variant; /* of what does not change with each visit */
    uint32_t last_seen;
    struct boottime at;
    int64_t wall;         /* then */
    struct boottime told; /* to a visitor, for the first time; 0: to none yet */
};

/* Fails the model when nothing has this number, or not of this host. */
const struct truth_said *truth_said(uint32_t host, uint32_t number);

/* Whether the two are the same but for what a visit changes, and all that the sensor said of the host in between. */
bool truth_unchanged(uint32_t before, uint32_t number);

/* The answer as it was given. */
struct p0f_host truth_answer(uint32_t number);

/* Fails the model unless exactly this was said of this host, by the sensor of this name. */
const struct truth_said *truth_check(uint32_t host, const struct p0f_host *said,
                                     const char *sensor);

/* The same of the fields that a stock answer has. */
void truth_check_stock(uint32_t host, const struct p0f_host *said);

/* It is told to a visitor. Returns when that was so for the first time: the daemon knew it by then. */
struct boottime truth_told(const struct p0f_host *said);

#endif
