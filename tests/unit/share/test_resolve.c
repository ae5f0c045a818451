/* SPDX-License-Identifier: MIT */
/* getaddrinfo() is the test's own, and ends when the test says so. */
#include "share/resolve.h"

#include "../../support/c/stage.h"
#include "getaddrinfo_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static sem_t begun, end, asked;
static int error;
static unsigned found;

/* What freeaddrinfo() frees: several numeric ones, put together. */
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list)
{
    char text[32];

    if (hints->ai_flags & AI_NUMERICHOST)
        return __real_getaddrinfo(host, service, hints, list);
    sem_post(&begun);
    sem_wait(&end);
    int result = error;
    for (unsigned i = 0; i < found && !result; i++) {
        snprintf(text, sizeof text, "127.0.0.%u", found - i);
        struct addrinfo *one, *rest = i > 0 ? *list : NULL;
        if (__real_getaddrinfo(text, service, hints, &one) != 0)
            abort();
        one->ai_next = rest;
        *list = one;
    }
    sem_post(&asked);
    return result;
}

static unsigned called;
static char why_not[128];
static struct resolve_addresses addresses;

static void on_done(void *ctx, const struct resolve_addresses *resolved, const char *why)
{
    (void)ctx;
    called++;
    if (resolved)
        addresses = *resolved;
    else
        snprintf(why_not, sizeof why_not, "%s", why);
}

static void setup(void)
{
    stage_open();
    sem_init(&begun, 0, 0);
    sem_init(&end, 0, 0);
    sem_init(&asked, 0, 0);
    error = 0;
    found = 2;
    called = 0;
    why_not[0] = '\0';
}

static struct resolve *start(void)
{
    struct resolve *resolve = resolve_start(stage.loop, "store.example", on_done, NULL);

    cr_assert_not_null(resolve);
    sem_wait(&begun);
    stage_round();
    cr_assert_eq(called, 0);
    return resolve;
}

/* The thread ends when it likes. */
static void run_until_called(void)
{
    while (called == 0)
        stage_round();
}

Test(resolve, all_addresses_in_order)
{
    setup();
    start();
    sem_post(&end);
    run_until_called();
    cr_assert_eq(addresses.count, 2);
    cr_assert_str_eq(addresses.text[0], "127.0.0.1");
    cr_assert_str_eq(addresses.text[1], "127.0.0.2");
    stage_round();
    cr_assert_eq(called, 1);
    stage_close();
}

Test(resolve, no_more_than_are_used)
{
    setup();
    found = RESOLVE_MAX + 5;
    start();
    sem_post(&end);
    run_until_called();
    cr_assert_eq(addresses.count, RESOLVE_MAX);
    cr_assert_str_eq(addresses.text[RESOLVE_MAX - 1], "127.0.0.16");
    stage_close();
}

Test(resolve, says_why_not)
{
    setup();
    error = EAI_NONAME;
    start();
    sem_post(&end);
    run_until_called();
    cr_assert_str_eq(why_not, gai_strerror(EAI_NONAME));
    stage_close();
}

Test(resolve, cancelled_while_it_runs)
{
    setup();
    resolve_cancel(start());
    stage_close(); /* the loop is gone when the thread ends */
    sem_post(&end);
    sem_wait(&asked);
    cr_assert_eq(called, 0);
}

Test(resolve, cancelled_when_it_has_ended)
{
    setup();
    struct resolve *resolve = start();
    sem_post(&end);
    sem_wait(&asked);
    resolve_cancel(resolve);
    stage_round();
    cr_assert_eq(called, 0);
    stage_close();
}

Test(resolve, addresses_need_no_resolution)
{
    cr_assert(resolve_is_numeric("192.0.2.1"));
    cr_assert(resolve_is_numeric("2001:db8::1"));
    cr_assert_not(resolve_is_numeric("store.example"));
    cr_assert_not(resolve_is_numeric(""));
}
