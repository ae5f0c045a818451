/* SPDX-License-Identifier: MIT */
/* Names that stand for several addresses. The resolver is ours: what is in /etc/hosts differs. */
#include "listener_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define LACKING "Cannot assign requested address: this machine does not have the address (yet)"
#define NOT_OURS "240.0.0.1" /* RFC 1112: of a kind that no machine has */

static char error[LISTENERS_ERROR_SIZE];
static const char *stands_for[2];
static int problem, flags; /* of the resolver */

/* In the place of the system's: "first" stands for the first, "second" for the second, "both". */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **found)
{
    static struct sockaddr_in names[2];
    static struct addrinfo infos[2];

    (void)port;
    flags = hints->ai_flags;
    if (problem != 0)
        return problem;
    *found = host[0] == 's' ? &infos[1] : &infos[0];
    for (size_t i = 0; i < 2; i++) {
        names[i].sin_family = AF_INET; /* and port 0 */
        cr_assert_eq(inet_pton(AF_INET, stands_for[i], &names[i].sin_addr), 1);
        infos[i] = (struct addrinfo){.ai_family = AF_INET,
                                     .ai_addr = (struct sockaddr *)&names[i],
                                     .ai_addrlen = sizeof names[i],
                                     .ai_next = i == 0 && host[0] == 'b' ? &infos[1] : NULL};
    }
    return 0;
}

void freeaddrinfo(struct addrinfo *found)
{
    (void)found;
}

static struct mono no_clock(void)
{
    return (struct mono){.ns = 1};
}

static void on_accepted(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    (void)ctx, (void)fd, (void)peer, (void)length;
}

static void expect(const char *first, const char *second, bool opens)
{
    struct loop *loop = loop_new(no_clock);

    stands_for[0] = first;
    stands_for[1] = second;
    struct listeners *listeners = listeners_parse(options_for("both:0", true), error);
    cr_assert_not_null(listeners, "%s", error);
    cr_assert_eq(listeners_open(listeners, error), opens, "%s, %s: %s", first, second, error);
    if (opens)
        cr_assert(listeners_start(listeners, loop, on_accepted, NULL));
    else
        cr_assert_str_eq(error, "both:0: " LACKING);
    listeners_free(listeners);
    loop_free(loop);
}

Test(listener_names, an_address_that_the_machine_lacks)
{
    expect("127.0.0.1", "127.0.0.2", true);
    expect(NOT_OURS, "127.0.0.1", true);
    expect("127.0.0.1", NOT_OURS, true);
}

Test(listener_names, only_such)
{
    expect(NOT_OURS, NOT_OURS, false);
    expect(NOT_OURS, "240.0.0.2", false);
}

Test(listener_names, another_name_does_not_make_up_for_it)
{
    stands_for[0] = NOT_OURS;
    stands_for[1] = "127.0.0.1";
    struct listeners *listeners = listeners_parse(options_for("first:0,second:0", true), error);
    cr_assert_not_null(listeners, "%s", error);
    cr_assert_not(listeners_open(listeners, error));
    cr_assert_str_eq(error, "first:0: " LACKING);
    listeners_free(listeners);
}

static void expect_unresolved(int reason, int expected)
{
    char text[128];

    problem = reason;
    cr_assert_null(listeners_parse(options_for("first:80", true), error));
    cr_assert_eq(errno, expected, "%s", strerror(errno));
    snprintf(text, sizeof text, "first:80: cannot resolve the host: %s; ",
             reason == EAI_SYSTEM ? strerror(errno) : gai_strerror(reason));
    cr_assert_eq(strncmp(error, text, strlen(text)), 0, "%s", error);
    problem = 0;
}

/* The name may be there the next time. */
Test(listener_names, one_that_cannot_be_resolved)
{
    expect_unresolved(EAI_AGAIN, EAGAIN);
    expect_unresolved(EAI_NONAME, EAGAIN);
    expect_unresolved(EAI_FAIL, EAGAIN);
    expect_unresolved(EAI_MEMORY, ENOMEM);
}

/* A resolver can take long, so it is not asked. */
Test(listener_names, one_that_is_only_checked)
{
    problem = EAI_NONAME;
    cr_assert(listeners_check(options_for("first:80", false), error), "%s", error);
    cr_assert_neq(flags & AI_NUMERICHOST, 0);
}
