/* What the kernel says about this process: the numbers that every Prometheus client has. */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process {
    bool stat_known; /* the three that follow */
    int64_t cpu_ns;  /* user and system */
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    bool open_fds_known;
    uint64_t open_fds;
    bool max_fds_known;
    uint64_t max_fds; /* UINT64_MAX: no limit */
};

/* Fills *process with what can be found out; the rest is 0 and not known. `proc` is "/proc", or a
 * test's own. A few system calls, and one for each hundred or so of open descriptors. Any thread. */
void process_read(const char *proc, struct process *process);

#endif
