/* SPDX-License-Identifier: MIT */
/* The blocking query when the memory, or the descriptors, give out. */
#include "../../support/c/short_memory.h"
#include "../../support/c/stand_in.h"
#include "p0fclient.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct p0f_addr somebody = {.type = 4, .bytes = {192, 0, 2, 1}};
static const struct timespec past = {.tv_nsec = 1};
static struct stand_in p0f;
static struct p0f_host host;

static void start(void)
{
    cr_assert(stand_in_start(&p0f));
}

static void stop(void)
{
    stand_in_stop(&p0f);
}

/* Lets the process open so many more descriptors. Those that it has come with gaps between them, as
 * Criterion leaves some: what counts is how many are free below the limit. */
static void allow_descriptors(rlim_t more)
{
    struct rlimit limit;
    int taken[8], last = -1;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_lt(more, sizeof taken / sizeof taken[0]);
    for (rlim_t i = 0; i <= more; i++)
        cr_assert_geq(taken[i] = dup(0), 0);
    for (rlim_t i = 0; i <= more; i++)
        close(last = taken[i]);
    limit.rlim_cur = (rlim_t)last;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

Test(query_memory, without_memory_nothing_is_asked, .init = start, .fini = stop)
{
    for (long fail_at = 0;; fail_at++) {
        memory_start(fail_at, false);
        enum p0f_error error = p0f_lookup(p0f.socket.path, &somebody, &past, &host);
        if (!memory_stop()) {
            cr_assert_eq(error, P0F_TIMEOUT, "%s", p0f_strerror(error));
            break;
        }
        cr_assert_eq(error, P0F_SYSTEM, "allocation %ld: %s", fail_at, p0f_strerror(error));
        cr_assert_eq(errno, ENOMEM, "allocation %ld: %s", fail_at, strerror(errno));
        cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
        if (stand_in_accept(&p0f))
            cr_assert(stand_in_sees_closed(&p0f), "allocation %ld", fail_at);
    }
    cr_assert(stand_in_accept(&p0f), "the one that timed out");
    stand_in_hang_up(&p0f);
    cr_assert_eq(p0f_lookup_drain(NULL), 0);
}

Test(query_memory, without_descriptors_nothing_is_asked, .init = start, .fini = stop)
{
    struct rlimit before;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (rlim_t more = 0; more < 2; more++) { /* for the alarm, and for the socket */
        allow_descriptors(more);
        cr_assert_eq(p0f_lookup(p0f.socket.path, &somebody, &past, &host), P0F_SYSTEM);
        cr_assert_eq(errno, EMFILE);
    }
    allow_descriptors(2);
    cr_assert_eq(p0f_lookup(p0f.socket.path, &somebody, &past, &host), P0F_TIMEOUT);
    allow_descriptors(0);
    cr_assert_eq(p0f_lookup_drain(&past), 1, "not outstanding any more");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert(stand_in_accept(&p0f));
    cr_assert(stand_in_skip(&p0f, 3));
    cr_assert(stand_in_sees_open(&p0f), "closed while an answer is outstanding");
    stand_in_hang_up(&p0f);
    cr_assert_eq(p0f_lookup_drain(NULL), 0);
}

Test(query_memory, a_deadline_that_is_none, .init = start, .fini = stop)
{
    cr_assert_eq(
        p0f_lookup(p0f.socket.path, &somebody, &(struct timespec){.tv_nsec = 1000000000}, &host),
        P0F_INVALID);
    cr_assert_eq(p0f_lookup(p0f.socket.path, &somebody, &(struct timespec){.tv_nsec = -1}, &host),
                 P0F_INVALID);
    cr_assert_not(stand_in_accept(&p0f));
    for (time_t seconds = -1; seconds <= 0; seconds++) {
        cr_assert_eq(
            p0f_lookup(p0f.socket.path, &somebody, &(struct timespec){.tv_sec = seconds}, &host),
            P0F_TIMEOUT);
        cr_assert(stand_in_accept(&p0f));
        stand_in_hang_up(&p0f);
        cr_assert_eq(p0f_lookup_drain(NULL), 0);
    }
}
