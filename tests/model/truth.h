/* SPDX-License-Identifier: MIT */
/* The hosts of the model's world, and what p0f has said of each. What it says of a host names the
 * host in nearly every field, so that an answer that reaches the wrong visitor is found. */
#ifndef TRUTH_H
#define TRUTH_H

#include "core/clock.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

#define TRUTH_HOSTS 512

enum truth_kind {
    TRUTH_KNOWN,   /* p0f always knows it */
    TRUTH_UNKNOWN, /* p0f never does */
    TRUTH_CHANGES, /* now it does, now it does not, or only half */
};

void truth_start(void);
void truth_end(void);

struct p0f_addr truth_addr(uint32_t host);

/* The number of the host with this address; fails the model when there is none. */
uint32_t truth_host(const struct p0f_addr *addr);

enum truth_kind truth_kind(uint32_t host);

/* What p0f says of a host now, in this dialect; remembered as said now. */
struct p0f_answer truth_say(uint32_t host, enum p0f_dialect dialect);

/* The changing ones are not what they were. */
void truth_forget(void);

/* Whether p0f has said "no match" of it since then. */
bool truth_denied_since(uint32_t host, struct mono since);

/* Fails the model unless p0f has said exactly this of this host. Returns when. */
struct boottime truth_check(uint32_t host, const struct p0f_host *said);

/* The same of the fields that a stock answer has. */
void truth_check_stock(uint32_t host, const struct p0f_host *said);

/* It is told to a visitor. Returns when that was so for the first time: the daemon knew it by then. */
struct boottime truth_told(const struct p0f_host *said);

#endif
