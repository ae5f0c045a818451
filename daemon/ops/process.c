/* SPDX-License-Identifier: MIT */
#include "ops/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 256

static bool path_below(const char *proc, const char *name, char path[PATH_SIZE])
{
    return snprintf(path, PATH_SIZE, "%s/%s", proc, name) < PATH_SIZE;
}

static int64_t ns_of(const struct timeval *time)
{
    return time->tv_sec * INT64_C(1000000000) + time->tv_usec * INT64_C(1000);
}

static int64_t read_cpu(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return ns_of(&usage.ru_utime) + ns_of(&usage.ru_stime);
}

/* From proc_pid_statm(5). */
static void read_memory(const char *proc, struct process *process)
{
    char path[PATH_SIZE];
    FILE *file = path_below(proc, "self/statm", path) ? fopen(path, "re") : NULL;
    uint64_t size, resident, page = (uint64_t)sysconf(_SC_PAGESIZE);

    if (!file)
        return;
    process->memory_known = fscanf(file, "%" SCNu64 " %" SCNu64, &size, &resident) == 2;
    fclose(file);
    if (!process->memory_known)
        return;
    process->virtual_bytes = size * page;
    process->resident_bytes = resident * page;
}

/* proc_pid_fd(5): st_size is the number of open descriptors, or 0 before Linux 6.2. */
static void read_fds(const char *proc, struct process *process)
{
    char path[PATH_SIZE];
    struct stat status;

    if (!path_below(proc, "self/fd", path) || stat(path, &status) != 0 || status.st_size <= 0)
        return;
    process->open_fds = (uint64_t)status.st_size;
    process->open_fds_known = true;
}

void process_read(const char *proc, struct process *process)
{
    struct rlimit limit;

    *process = (struct process){.cpu_ns = read_cpu()};
    read_memory(proc, process);
    read_fds(proc, process);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        process->max_fds = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
        process->max_fds_known = true;
    }
}

bool process_count_fds(const char *proc, uint64_t *count)
{
    char path[PATH_SIZE];
    DIR *dir = path_below(proc, "self/fd", path) ? opendir(path) : NULL;
    const struct dirent *entry;

    *count = 0;
    if (!dir)
        return false;
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.' && strtol(entry->d_name, NULL, 10) != dirfd(dir))
            ++*count;
    closedir(dir);
    return true;
}
