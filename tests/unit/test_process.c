#include "process.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
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
                                        "self/stat",    "self",         "."};
    char path[64];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
    rmdir(dir);
}

#define REST                                                                                       \
    " S 1 2 3 4 5 4194560 7 8 9 10 150 25 11 12 20 0 3 0 4242 268435456 77 18446744073709551615 "  \
    "1 1"

static void expect_unknown(const char *stat)
{
    struct process process;

    open_proc();
    put("self/stat", stat);
    process_read(dir, &process);
    cr_assert_not(process.stat_known, "%s", stat);
    cr_assert_eq(process.cpu_ns, 0);
    close_proc();
}

/* Of /proc there is no more than this with ProcSubset=pid, which the unit has. */
Test(process, fields_of_stat)
{
    struct process process;
    int64_t ticks = sysconf(_SC_CLK_TCK);

    open_proc();
    put("self/stat", "17 (p0f-lookupd)" REST);
    process_read(dir, &process);
    cr_assert(process.stat_known);
    cr_assert_eq(process.cpu_ns, 175 * (1000000000 / ticks));
    cr_assert_eq(process.virtual_bytes, 268435456);
    cr_assert_eq(process.resident_bytes, 77 * (uint64_t)sysconf(_SC_PAGESIZE));
    cr_assert_not(process.open_fds_known);
    close_proc();
}

Test(process, names_that_look_like_fields)
{
    struct process process;

    open_proc();
    put("self/stat", "17 (a) S 1 (b) 9 9 9"
                     "\n)" REST);
    process_read(dir, &process);
    cr_assert(process.stat_known);
    cr_assert_eq(process.virtual_bytes, 268435456);
    close_proc();
}

Test(process, what_cannot_be_read_is_not_known)
{
    struct process process;

    expect_unknown("");
    expect_unknown("17 (p0f-lookupd) S 1 2 3");
    expect_unknown("17 p0f-lookupd" REST);
    process_read("/nonexistent", &process);
    cr_assert_not(process.stat_known);
    cr_assert_not(process.open_fds_known);
}

Test(process, descriptors_are_counted)
{
    struct process process;

    open_proc();
    make_dir("self/fd");
    put("self/fd/1000", "");
    put("self/fd/1001", "");
    process_read(dir, &process);
    cr_assert(process.open_fds_known);
    cr_assert_eq(process.open_fds, 2);
    close_proc();
}

static bool under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return preloaded && strstr(preloaded, "vgpreload");
}

Test(process, itself)
{
    struct process process, more;
    struct rlimit limit;

    process_read("/proc", &process);
    cr_assert(process.stat_known);
    cr_assert_geq(process.resident_bytes, 100000);
    cr_assert_geq(process.virtual_bytes, process.resident_bytes);
    cr_assert(process.open_fds_known);
    int fd = open("/dev/null", O_RDONLY);
    cr_assert_geq(fd, 0);
    process_read("/proc", &more);
    cr_assert_eq(more.open_fds, process.open_fds + 1, "its own is not counted");
    close(fd);
    /* Each descriptor that there is answers, but for valgrind's; the one that lists them has gone. */
    unsigned open_now = 0;
    for (int i = 0; i < 65536; i++)
        open_now += fcntl(i, F_GETFD) >= 0;
    if (under_valgrind())
        cr_assert_geq(process.open_fds, open_now);
    else
        cr_assert_eq(process.open_fds, open_now);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert(process.max_fds_known);
    cr_assert_eq(process.max_fds, limit.rlim_cur);
}
