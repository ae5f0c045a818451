/* SPDX-License-Identifier: MIT */
/* Names that stand for several addresses. The resolver is ours: what is in /etc/hosts differs. */
#include "net/listener.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netdb.h>

#define NOT_OURS "240.0.0.1" /* RFC 1112: of a kind that no machine has */

static char error[LISTENERS_ERROR_SIZE];
static const char *stands_for[2];

/* In the place of the system's: "first" stands for the first, "second" for the second, "both". */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **found)
{
    static struct sockaddr_in names[2];
    static struct addrinfo infos[2];

    (void)port, (void)hints;
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
    struct listeners *listeners = listeners_parse("both:0", true, error);
    cr_assert_not_null(listeners, "%s", error);
    cr_assert_eq(listeners_open(listeners, error), opens, "%s, %s: %s", first, second, error);
    if (opens)
        cr_assert(listeners_start(listeners, loop, on_accepted, NULL));
    else
        cr_assert_str_eq(error, "http.listen: both:0: Cannot assign requested address");
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
    struct listeners *listeners = listeners_parse("first:0,second:0", true, error);
    cr_assert_not_null(listeners, "%s", error);
    cr_assert_not(listeners_open(listeners, error));
    cr_assert_str_eq(error, "http.listen: first:0: Cannot assign requested address");
    listeners_free(listeners);
}
