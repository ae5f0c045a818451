/* SPDX-License-Identifier: MIT */
/* The daemon's system calls and allocations, which the linker routes through here (--wrap): the tap sees what
 * they do to connections, and they fail as the mood has it. Those of libraries do not come here. */
#ifndef CALLS_H
#define CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

void calls_start(void);

/* While it is on, system calls and allocations fail as the mood has it. Returns whether it was. */
bool calls_disturb(bool on);

/* This one is the daemon's end of a relay's connection: calls on it may fail, too. */
void calls_relay(int fd);

/* The process at the other end of those that are taken from now on. */
void calls_relay_process(pid_t pid);

/* What nobody but a client of the relay may do. */
void calls_half_close(int fd);

/* Events and system calls on connections, ever. */
uint64_t calls_made(void);

#endif
