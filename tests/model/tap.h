/* SPDX-License-Identifier: MIT */
/* Watches the daemon's connections to p0f at its system calls (calls.h). So what is outstanding on a connection
 * is known from its bytes alone, not from what the daemon believes, and each close is judged when it happens;
 * and which answers have reached the daemon. */
#ifndef TAP_H
#define TAP_H

#include "core/clock.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TAP_LINES 64
#define TAP_UNANSWERED 128 /* more than any pipeline of the model */
#define TAP_PROBES 2       /* the queries at the head of each connection that nobody asked for */

/* A query, and what p0f has said to it. */
struct tap_query {
    struct p0f_addr addr;
    struct mono sent;
    uint64_t gather; /* that has asked; 0: none */
    uint64_t end;    /* of its answer, in bytes from the beginning of the connection */
    enum { TAP_NOTHING, TAP_DENIED, TAP_FOUND } said;
    uint32_t number; /* if found, of the truth */
};

/* One connection of the daemon's. */
struct tap_line {
    bool used;
    unsigned sensor;
    int fd;         /* the daemon's end; -1: closed */
    bool gone;      /* p0f has hung up */
    bool accepted;  /* by p0f */
    bool spoiled;   /* p0f has sent on it what is no answer; the daemon may give it up */
    bool muddled;   /* nor can the daemon tell where its answers end: it may wait on it for ever */
    uint64_t order; /* of connecting */
    uint8_t query[P0F_QUERY_SIZE];
    size_t query_bytes; /* of the query that is being sent */
    uint64_t sent;      /* whole queries, ever */
    uint64_t read;      /* of them, by p0f */
    uint64_t answered;  /* whole answers written by p0f, ever */
    uint64_t heard;     /* whole answers received by the daemon, ever */
    uint64_t composed;  /* bytes of answers, of p0f's */
    uint64_t received;  /* by the daemon */
    struct mono heard_at;
    struct tap_query asked[TAP_UNANSWERED]; /* ring: query n is at n % TAP_UNANSWERED */
};

void tap_start(uint32_t max_rate);

/* Nothing may be open any more. */
void tap_end(void);

/* The rate from now on, of each sensor; 0: no limit. */
void tap_set_max_rate(uint32_t max_rate);

/* ---- What p0f does */

/* The connection that this p0f would accept next; NULL: none is waiting. */
struct tap_line *tap_waiting(unsigned sensor);

/* p0f is gone: so are those that waited for it. */
void tap_refuse_waiting(unsigned sensor);

/* p0f's side of it is closed. */
void tap_hung_up(struct tap_line *line);

/* It sends what is no answer: the daemon may give it up, and which answers still reach it is not known. */
void tap_spoil(struct tap_line *line);

/* The query that p0f reads now. */
struct tap_query *tap_reads(struct tap_line *line);

/* ---- How things stand */

/* Answers outstanding on all that are open at both ends. */
uint64_t tap_outstanding_all(void);

/* Connections open or queued, of the daemon's; NULL: to any sensor. */
unsigned tap_open(const unsigned *sensor);

/* Of these, the ones on which nothing went wrong and all that was asked is answered. */
unsigned tap_healthy(void);

/* And the ones that the daemon cannot make out any more. */
unsigned tap_muddled(void);

/* Whether the daemon holds any that is gone or spoiled. */
bool tap_in_trouble(void);

/* Whether any sensor may be thought to be late: it has not answered at once. */
bool tap_any_late(void);

/* Whether this sensor has not answered anything for so long, with an answer outstanding, for sure. */
bool tap_is_overdue(unsigned sensor, int64_t ms);

/* Whether an answer to this gather is outstanding on a connection to this sensor with which nothing is wrong. */
bool tap_awaits(unsigned sensor, uint64_t gather);

/* ---- What the daemon does: for calls.c */

struct sockaddr_un;

struct tap_line *tap_line_of(int fd);
void tap_opened(int fd, const struct sockaddr_un *name);
void tap_closed(struct tap_line *line);
void tap_sent(struct tap_line *line, const uint8_t *bytes, size_t length);
void tap_received(struct tap_line *line, size_t length);

#endif
