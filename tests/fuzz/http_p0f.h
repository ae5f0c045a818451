/* SPDX-License-Identifier: MIT */
/* The p0f behind the daemon that is fuzzed, in the fuzzer's own thread: it does one round when told
 * to, knows 10.0.0.0/8 and 2001:db8::/32, and what it says of a host follows from the address. It
 * stands for no close while it owes an answer, and for no half-close. */
#ifndef HTTP_P0F_H
#define HTTP_P0F_H

#include "p0fclient.h"

#include <poll.h>
#include <stdbool.h>

#define HTTP_P0F_DESCRIPTORS 17

/* Listens from now on; returns the path. Once. */
const char *http_p0f_start(void);

/* Removes the path. */
void http_p0f_end(void);

/* Accepts, reads and answers what there is. False when there was nothing. */
bool http_p0f_round(void);

/* What to wait for; returns how many. */
nfds_t http_p0f_watch(struct pollfd watched[HTTP_P0F_DESCRIPTORS]);

enum http_p0f_fault {
    HTTP_P0F_BAD_MAGIC,  /* of the next answer, as the next two */
    HTTP_P0F_BAD_STATUS, /* */
    HTTP_P0F_CUT,        /* and then it hangs up */
    HTTP_P0F_HANG_UP,    /* on everybody */
    HTTP_P0F_STALL,      /* nothing is answered from here on, save probes */
    HTTP_P0F_GO_ON,
    HTTP_P0F_BAD_AND_STALL, /* a bad magic, with more owed behind it for a while */
    HTTP_P0F_FAULTS,
};

void http_p0f_fault(enum http_p0f_fault fault);

/* No fault is ahead, and it goes on. */
void http_p0f_behave(void);

/* Connections on which it has answered the probes and now owes nothing. */
unsigned http_p0f_at_rest(void);

bool http_p0f_knows(const struct p0f_addr *addr);

/* The total_conn of a host that it knows. */
uint32_t http_p0f_total(const struct p0f_addr *addr);

#endif
