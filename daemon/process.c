#include "process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PATH_SIZE 256

/* Opens a file below `proc`; NULL when there is none. */
static FILE *open_below(const char *proc, const char *name)
{
    char path[PATH_SIZE];

    if (snprintf(path, sizeof path, "%s/%s", proc, name) >= (int)sizeof path)
        return NULL;
    return fopen(path, "re");
}

/* Reads proc_pid_stat(5). The second field is the program's name, with any bytes in it. */
static void read_stat(const char *proc, struct process *process)
{
    FILE *file = open_below(proc, "self/stat");
    char text[1024];

    if (!file)
        return;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *rest = strrchr(text, ')');
    unsigned long long user, system, virtual_bytes;
    long long pages;
    if (!rest || sscanf(rest,
                        ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d "
                        "%*d %*d %*u %llu %lld",
                        &user, &system, &virtual_bytes, &pages) != 4)
        return;
    int64_t ticks = sysconf(_SC_CLK_TCK);
    if (ticks <= 0 || pages < 0)
        return;
    process->cpu_ns = (int64_t)(user + system) * (1000000000 / ticks);
    process->virtual_bytes = virtual_bytes;
    process->resident_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
    process->stat_known = true;
}

static void count_fds(const char *proc, struct process *process)
{
    char path[PATH_SIZE];
    DIR *dir = NULL;
    const struct dirent *entry;

    if (snprintf(path, sizeof path, "%s/self/fd", proc) < (int)sizeof path)
        dir = opendir(path);
    if (!dir)
        return;
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.' && strtol(entry->d_name, NULL, 10) != dirfd(dir))
            process->open_fds++;
    closedir(dir);
    process->open_fds_known = true;
}

void process_read(const char *proc, struct process *process)
{
    struct rlimit limit;

    *process = (struct process){0};
    read_stat(proc, process);
    count_fds(proc, process);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        process->max_fds = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
        process->max_fds_known = true;
    }
}
