/* SPDX-License-Identifier: MIT */
/* Receiving outstanding answers after the daemon has ended. The end of a process closes its connections,
 * which can crash p0f; a child that has inherited them prevents that. */
#ifndef P0F_DRAIN_PROCESS_H
#define P0F_DRAIN_PROCESS_H

#include "p0fclient.h"

#include <sys/types.h>

/* The name of the child, in place of the program's and its arguments. */
#define DRAIN_PROCESS_NAME "p0f-drain"

/* Starts a child that receives what is outstanding on `conns` and then exits. It has no other descriptor, no
 * terminal, "/" as its directory, and blocks all signals. The connections are its own then: the caller may
 * not use them any more. Returns its process id, or -1 with errno if there can be none: EPERM for
 * process 1 of a namespace, whose end would end the child, too. */
pid_t drain_process_start(struct p0f_conn *conns[], unsigned count);

/* Blocks until nothing is outstanding on `conns`, and closes them. */
void drain_process_wait(struct p0f_conn *conns[], unsigned count);

#endif
