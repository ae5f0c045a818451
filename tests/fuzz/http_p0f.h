/* SPDX-License-Identifier: MIT */
/* The p0f behind the fuzzed daemon, in the fuzzer's own thread: fake_p0f.h with faults. It does one round
 * when told to, knows 10.0.0.0/8 and 2001:db8::/32, and derives a host from its address. A close while an
 * answer is outstanding, or a half-close, fails the run. */
#ifndef HTTP_P0F_H
#define HTTP_P0F_H

#include "p0fclient.h"

#include <poll.h>
#include <stdbool.h>

#define HTTP_P0F_DESCRIPTORS 17

/* Starts to listen, and returns the path. Call once. */
const char *http_p0f_start(void);

/* Removes the path. */
void http_p0f_end(void);

/* Accepts, reads and answers what there is. False when there was nothing. */
bool http_p0f_round(void);

/* Fills in what to poll; returns how many. */
nfds_t http_p0f_watch(struct pollfd watched[HTTP_P0F_DESCRIPTORS]);

enum http_p0f_fault {
    HTTP_P0F_BAD_MAGIC,  /* in the next answer */
    HTTP_P0F_BAD_STATUS, /* likewise */
    HTTP_P0F_CUT,        /* half of the next answer, and hang up */
    HTTP_P0F_HANG_UP,    /* on all clients, now */
    HTTP_P0F_STALL,      /* answer probes only, until GO_ON */
    HTTP_P0F_GO_ON,
    HTTP_P0F_BAD_AND_STALL, /* a bad magic, and stall with more outstanding behind it */
    HTTP_P0F_FAULTS,
};

void http_p0f_fault(enum http_p0f_fault fault);

/* Forgets a fault that is due, and goes on. */
void http_p0f_behave(void);

/* Connections on which the probes are answered and nothing is outstanding. */
unsigned http_p0f_at_rest(void);

bool http_p0f_knows(const struct p0f_addr *addr);

/* The total_conn of a host that it knows. */
uint32_t http_p0f_total(const struct p0f_addr *addr);

#endif
