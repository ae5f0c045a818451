/* SPDX-License-Identifier: MIT */
/* Who asks the daemon, and what each may be told: once, by its deadline, the truth about the host it
 * asked for, and an error only when there was a cause for it. */
#ifndef VISITORS_H
#define VISITORS_H

#include "lookup/lookup.h"
#include "lookup/recall.h"

/* The lookup under test and its settings in force. */
void visitors_start(struct lookup *lookup, const struct lookup_limits *limits,
                    const struct recall_times *times);

/* Settings have been changed. */
void visitors_new_limits(const struct lookup_limits *limits);

/* Somebody asks. What is not answered at once is submitted now or a little later. */
void visitors_come(void);

/* Somebody asks for this host, and wants nothing that is remembered. */
void visitors_come_surely(uint32_t host);

/* Some who wait go, or may have gone. In the loop's thread. */
void visitors_leave(void);

/* Some, or all, of what waits to be submitted is. */
void visitors_submit(bool all);

/* Around a round of the loop. Between them, and only there, requests are done. */
void visitors_before_round(void);

/* `relay_lookups` of those that are pending are the relay's, which may have read so many queries in this
 * round. */
void visitors_after_round(uint32_t relay_lookups, uint32_t relay_queries);

/* Whether some of them may have this flow number. */
bool visitors_have_flow(unsigned number);

/* Requests that are not done. */
unsigned visitors_waiting(void);

#endif
