/* SPDX-License-Identifier: MIT */
/* What the kernel knows about this process: the standard process metrics of Prometheus clients. */
#ifndef OPS_PROCESS_H
#define OPS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process {
    int64_t cpu_ns;    /* user and system */
    bool memory_known; /* of the next two */
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    bool open_fds_known;
    uint64_t open_fds;
    bool max_fds_known;
    uint64_t max_fds; /* UINT64_MAX: no limit */
};

/* Fills *process with what can be read; the rest is 0 and marked unknown. `proc` is "/proc", or a
 * test's directory. Takes a few system calls, however many descriptors are open; their number is known
 * from Linux 6.2 on. Any thread. */
void process_read(const char *proc, struct process *process);

/* Counts the open descriptors, on any kernel, in some microseconds for each. False when /proc/self/fd
 * cannot be read. Any thread. */
bool process_count_fds(const char *proc, uint64_t *count);

#endif
