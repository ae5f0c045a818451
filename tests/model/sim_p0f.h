/* SPDX-License-Identifier: MIT */
/* p0f as the model plays it: a listener at a unix socket, and with each round one step for each
 * connection, which is to read of one query or to write of one answer, in the order of the queries.
 * In the mood for it, it stalls, lies, hangs up, restarts as another p0f, or has no slot free. */
#ifndef SIM_P0F_H
#define SIM_P0F_H

#include "p0fclient.h"

#include <stdbool.h>

/* Makes the directory of the socket; once. */
void sim_p0f_open(void);
void sim_p0f_close(void);

const char *sim_p0f_path(void);

void sim_p0f_start(enum p0f_dialect dialect);

/* The process ends: all connections are closed, and the path refuses. */
void sim_p0f_stop(void);

bool sim_p0f_runs(void);

/* That it speaks; P0F_DIALECT_AUTO when it does not run. */
enum p0f_dialect sim_p0f_dialect(void);

/* One round. False when there was nothing to do. */
bool sim_p0f_round(void);

/* Closes one of the connections. */
void sim_p0f_hang_up(void);

#endif
