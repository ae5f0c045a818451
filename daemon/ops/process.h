/* SPDX-License-Identifier: MIT */
/* What the kernel says about this process: the numbers that every Prometheus client has. */
#ifndef OPS_PROCESS_H
#define OPS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process {
    int64_t cpu_ns;    /* user and system */
    bool memory_known; /* the two that follow */
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    bool open_fds_known;
    uint64_t open_fds;
    bool max_fds_known;
    uint64_t max_fds; /* UINT64_MAX: no limit */
};

/* Fills *process with what can be found out; the rest is 0 and not known. `proc` is "/proc", or a
 * test's own. A few system calls, however many descriptors are open: how many, only kernels from 6.2
 * on tell like that. Any thread. */
void process_read(const char *proc, struct process *process);

/* Counts the open descriptors on any kernel, which takes it microseconds for each. False when they
 * cannot be read. */
bool process_count_fds(const char *proc, uint64_t *count);

#endif
