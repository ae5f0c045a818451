/* SPDX-License-Identifier: MIT */
#include "ops/process.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A /proc of the test's own, with what the tests put there. */
static char dir[32];

static void put(const char *name, const char *text)
{
    char path[64];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_dir(const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    cr_assert_eq(mkdir(path, 0700), 0);
}

static void open_proc(void)
{
    strcpy(dir, "/tmp/proc-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    make_dir("self");
}

static void close_proc(void)
{
    static const char *const names[] = {"self/fd/1000", "self/fd/1001", "self/fd",
                                        "self/statm",   "self",         "."};
    char path[64];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
    rmdir(dir);
}

static void expect_unknown(const char *statm)
{
    struct process process;

    open_proc();
    put("self/statm", statm);
    process_read(dir, &process);
    cr_assert_not(process.memory_known, "%s", statm);
    cr_assert_eq(process.virtual_bytes, 0);
    cr_assert_eq(process.resident_bytes, 0);
    close_proc();
}

/* Of /proc there is no more than this with ProcSubset=pid, which the unit has. */
Test(process, memory)
{
    struct process process;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    open_proc();
    put("self/statm", "65536 77 66 55 0 44 0\n");
    process_read(dir, &process);
    cr_assert(process.memory_known);
    cr_assert_eq(process.virtual_bytes, 65536 * page);
    cr_assert_eq(process.resident_bytes, 77 * page);
    cr_assert_not(process.open_fds_known);
    close_proc();
}

Test(process, what_cannot_be_read_is_not_known)
{
    struct process process;
    uint64_t count;

    expect_unknown("");
    expect_unknown("65536");
    expect_unknown("none 77");
    process_read("/nonexistent", &process);
    cr_assert_not(process.memory_known);
    cr_assert_not(process.open_fds_known);
    cr_assert_not(process_count_fds("/nonexistent", &count));
}

static int64_t cpu_ns(void)
{
    struct process process;

    process_read("/proc", &process);
    return process.cpu_ns;
}

Test(process, cpu, .timeout = 60)
{
    struct timespec before, now;
    int64_t begun = cpu_ns(), used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    do {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        used = (now.tv_sec - before.tv_sec) * INT64_C(1000000000) + now.tv_nsec - before.tv_nsec;
    } while (used < 100000000);
    cr_assert_geq(cpu_ns() - begun, 90000000);
    cr_assert_leq(begun, cpu_ns());
}

/* The size of /proc/self/fd, which before Linux 6.2 is 0. */
Test(process, descriptors_as_the_kernel_tells)
{
    struct process process;

    open_proc();
    put("self/fd", "12345");
    process_read(dir, &process);
    cr_assert(process.open_fds_known);
    cr_assert_eq(process.open_fds, 5);
    put("self/fd", "");
    process_read(dir, &process);
    cr_assert_not(process.open_fds_known);
    close_proc();
}

Test(process, descriptors_are_counted)
{
    uint64_t count;

    open_proc();
    make_dir("self/fd");
    put("self/fd/1000", "");
    put("self/fd/1001", "");
    cr_assert(process_count_fds(dir, &count));
    cr_assert_eq(count, 2);
    close_proc();
}

static bool under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return preloaded && strstr(preloaded, "vgpreload");
}

Test(process, itself)
{
    struct process process;
    struct rlimit limit;
    uint64_t count, more;

    process_read("/proc", &process);
    cr_assert_gt(process.cpu_ns, 0);
    cr_assert(process.memory_known);
    cr_assert_geq(process.resident_bytes, 100000);
    cr_assert_geq(process.virtual_bytes, process.resident_bytes);
    cr_assert(process_count_fds("/proc", &count));
    if (process.open_fds_known)
        cr_assert_eq(process.open_fds, count);
    int fd = open("/dev/null", O_RDONLY);
    cr_assert_geq(fd, 0);
    cr_assert(process_count_fds("/proc", &more));
    cr_assert_eq(more, count + 1, "its own is not counted");
    close(fd);
    /* Each descriptor that there is answers, but for valgrind's; the one that lists them has gone. */
    unsigned open_now = 0;
    for (int i = 0; i < 65536; i++)
        open_now += fcntl(i, F_GETFD) >= 0;
    if (under_valgrind())
        cr_assert_geq(count, open_now);
    else
        cr_assert_eq(count, open_now);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert(process.max_fds_known);
    cr_assert_eq(process.max_fds, limit.rlim_cur);
}
