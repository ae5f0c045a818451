/* SPDX-License-Identifier: MIT */
/* The model's p0f, on top of fake_p0f.h. In each round it does one step for each connection, as p0f does:
 * it reads part of a query, or writes part of an answer, in the order of the queries. As the model's mood
 * says it stalls, sends malformed answers, hangs up, restarts with another dialect, or has no slot free. */
#ifndef SIM_P0F_H
#define SIM_P0F_H

#include "p0fclient.h"

#include <stdbool.h>

/* Makes the directory of the socket. Call once. */
void sim_p0f_open(void);
void sim_p0f_close(void);

const char *sim_p0f_path(void);

void sim_p0f_start(enum p0f_dialect dialect);

/* p0f ends: all connections are closed, and new ones are refused. */
void sim_p0f_stop(void);

bool sim_p0f_runs(void);

/* The dialect spoken; P0F_DIALECT_AUTO when p0f is not running. */
enum p0f_dialect sim_p0f_dialect(void);

/* Does one round; false when there was nothing to do. */
bool sim_p0f_round(void);

/* Closes one of the connections, if the slot that chance picks has one. */
void sim_p0f_hang_up(void);

#endif
