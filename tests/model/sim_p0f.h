/* SPDX-License-Identifier: MIT */
/* The model's p0fs, one for each sensor, on top of fake_p0f.h. In each round one does a step for each connection, as
 * p0f does: it reads part of a query, or writes part of an answer, in the order of the queries. As its mood says
 * it stalls, sends malformed answers, hangs up, restarts with another dialect, or has no slot free. */
#ifndef SIM_P0F_H
#define SIM_P0F_H

#include "p0fclient.h"

#include <stdbool.h>

/* Makes the directories of the sockets. Call once. */
void sim_p0f_open(void);
void sim_p0f_close(void);

const char *sim_p0f_path(unsigned sensor);

void sim_p0f_start(unsigned sensor, enum p0f_dialect dialect);

/* p0f ends: all connections are closed, and new ones are refused. */
void sim_p0f_stop(unsigned sensor);

bool sim_p0f_runs(unsigned sensor);

/* Whether each p0f of this life runs, and speaks what the daemon expects. */
bool sim_p0f_all_run(void);
bool sim_p0f_any_foreign(void);

/* The dialect spoken; P0F_DIALECT_AUTO when p0f is not running. */
enum p0f_dialect sim_p0f_dialect(unsigned sensor);

/* Does one round; false when there was nothing to do. */
bool sim_p0f_round(unsigned sensor);

/* Closes one of the connections, if the slot that chance picks has one. */
void sim_p0f_hang_up(unsigned sensor);

#endif
