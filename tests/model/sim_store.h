/* SPDX-License-Identifier: MIT */
/* The model's Valkey or Redis, on top of fake_store.h: one server, which is in no cluster. In each round it does a
 * step for each connection, in the order of the commands. As its mood says it answers late, in pieces, with errors
 * or nonsense, hangs up, or restarts with nothing in it. */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include <stdbool.h>

/* Makes the directory of the socket. Call once. */
void sim_store_open(void);
void sim_store_close(void);

/* As in share.server. */
const char *sim_store_server(void);

void sim_store_start(void);

/* It ends: all connections are closed, and new ones are refused. What is in it is lost. */
void sim_store_stop(void);

bool sim_store_runs(void);

/* Does one round; false when there was nothing to do. */
bool sim_store_round(void);

/* Closes one of the connections, if there is any. */
void sim_store_hang_up(void);

#endif
