/* SPDX-License-Identifier: MIT */
/* Watches the daemon's connections to p0f at its system calls, which the linker routes through here
 * (--wrap). So what is outstanding on a connection is known from its bytes alone, not from what the daemon
 * believes, and each close is judged when it happens.
 *
 * System calls and allocations are made to fail here, too. */
#ifndef TAP_H
#define TAP_H

#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TAP_LINES 32
#define TAP_UNANSWERED 128 /* more than any pipeline of the model */
#define TAP_PROBES 2       /* the queries at the head of each connection that nobody asked for */

/* One connection of the daemon's. */
struct tap_line {
    bool used;
    int fd;         /* the daemon's end; -1: closed */
    bool gone;      /* p0f has hung up */
    bool accepted;  /* by p0f */
    bool spoiled;   /* p0f has sent on it what is no answer; the daemon may give it up */
    bool muddled;   /* nor can the daemon tell where its answers end: it may wait on it for ever */
    uint64_t order; /* of connecting */
    uint8_t query[P0F_QUERY_SIZE];
    size_t query_bytes;                    /* of the query that is being sent */
    uint64_t sent;                         /* whole queries, ever */
    uint64_t read;                         /* of them, by p0f */
    uint64_t answered;                     /* whole answers written by p0f, ever */
    struct p0f_addr asked[TAP_UNANSWERED]; /* ring: query n is at n % TAP_UNANSWERED */
};

void tap_start(uint32_t max_rate);

/* Nothing may be open any more. */
void tap_end(void);

/* The rate from now on; 0: no limit. */
void tap_set_max_rate(uint32_t max_rate);

/* While it is on, system calls and allocations fail as the mood has it. Returns whether it was. */
bool tap_disturb(bool on);

/* The connection that p0f would accept next; NULL: none is waiting. */
struct tap_line *tap_waiting(void);

/* p0f is gone: so are those that waited for it. */
void tap_refuse_waiting(void);

/* p0f's side of it is closed. */
void tap_hung_up(struct tap_line *line);

/* Answers outstanding on it. */
uint64_t tap_outstanding(const struct tap_line *line);

/* Over all that are open at both ends. */
uint64_t tap_outstanding_all(void);

/* Connections open or queued, of the daemon's. */
unsigned tap_open(void);

/* Of these, the ones on which nothing went wrong and all that was asked is answered. */
unsigned tap_healthy(void);

/* And the ones that the daemon cannot make out any more. */
unsigned tap_muddled(void);

/* Whether the daemon holds any that is gone or spoiled. */
bool tap_in_trouble(void);

/* This one is the daemon's end of a relay's connection: calls on it may fail, too. */
void tap_relay(int fd);

/* The process at the other end of those that are taken from now on. */
void tap_relay_process(pid_t pid);

/* What nobody but a client of the relay may do. */
void tap_half_close(int fd);

/* System calls on connections, ever. */
uint64_t tap_calls(void);

#endif
