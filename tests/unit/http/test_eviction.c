/* SPDX-License-Identifier: MIT */
#include "http/eviction.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define DESCRIPTORS 1000
#define NOW 100

static const struct hash_key key = {1, 2};
static struct eviction *eviction;
static struct connection all[DESCRIPTORS];

static void setup(void)
{
    eviction = eviction_new(DESCRIPTORS, &key);
    cr_assert_not_null(eviction);
    memset(all, 0, sizeof all);
}

static void teardown(void)
{
    eviction_free(eviction);
}

/* Its descriptor is `fd`; a request is awaited from now on. NULL: not counted for anybody. */
static struct client_weight come(int fd, const char *text)
{
    struct p0f_addr addr;

    if (text)
        cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK);
    struct client_weight weight = eviction_expect(eviction, fd, text ? &addr : NULL);
    all[fd].fd = fd;
    all[fd].reading_since = NOW;
    eviction_add(eviction, &all[fd]);
    return weight;
}

static int chosen(void)
{
    struct victim victim = eviction_choose(eviction, NOW);

    return victim.connection ? victim.connection->fd : -1;
}

Test(eviction, nobody, .init = setup, .fini = teardown)
{
    cr_assert_eq(chosen(), -1);
    come(3, "192.0.2.1");
    eviction_remove(eviction, 3);
    eviction_remove(eviction, 3);
    eviction_remove(eviction, -1);
    eviction_remove(eviction, DESCRIPTORS);
    cr_assert_eq(chosen(), -1);
}

Test(eviction, who_has_most, .init = setup, .fini = teardown)
{
    come(3, "192.0.2.1");
    come(4, "192.0.2.2");
    cr_assert_eq(come(5, "192.0.2.2").counts[0], 2);
    come(6, "192.0.2.3");
    come(7, NULL);
    come(8, NULL);
    come(9, NULL);
    cr_assert(chosen() == 4 || chosen() == 5);
    eviction_remove(eviction, 4);
    come(10, "192.0.2.1");
    cr_assert(chosen() == 3 || chosen() == 10);
}

Test(eviction, one_that_is_still_coming_counts_and_is_not_chosen, .init = setup, .fini = teardown)
{
    struct p0f_addr addr = {.type = 4, .bytes = {192, 0, 2, 2}};

    come(3, "192.0.2.1");
    come(4, "192.0.2.2");
    eviction_expect(eviction, 5, &addr);
    cr_assert_eq(chosen(), 4);
    eviction_remove(eviction, 4);
    cr_assert_eq(chosen(), 3);
}

/* libmicrohttpd has closed it, and tells nobody. */
Test(eviction, one_that_was_lost_is_forgotten_with_its_descriptor, .init = setup, .fini = teardown)
{
    struct p0f_addr addr = {.type = 4, .bytes = {192, 0, 2, 2}};

    cr_assert_eq(eviction_expect(eviction, 5, &addr).counts[0], 1);
    cr_assert_eq(eviction_expect(eviction, 5, &addr).counts[0], 1);
}

Test(eviction, of_one_client_one_that_is_idle_and_that_longest, .init = setup, .fini = teardown)
{
    for (int fd = 3; fd < 8; fd++)
        come(fd, "192.0.2.1");
    all[3].reading_since = NOW - 50;
    all[3].busy = true; /* its request comes byte by byte */
    all[4].reading_since = NOW - 1;
    all[5].reading_since = NOW - 2;
    all[6].reading_since = 0; /* waits for its answer */
    all[6].busy = true;
    cr_assert_eq(chosen(), 5);
    struct victim victim = eviction_choose(eviction, NOW);
    cr_assert(victim.idle);
    cr_assert_eq(victim.awaited_for, 2);
    eviction_remove(eviction, 5);
    cr_assert_eq(chosen(), 4);
    eviction_remove(eviction, 4);
    cr_assert_eq(chosen(), 7);
    eviction_remove(eviction, 7);
    cr_assert_eq(chosen(), 3);
    eviction_remove(eviction, 3);
    cr_assert_eq(chosen(), 6);
}

/* Wherever its descriptors are. */
Test(eviction, one_with_a_good_part_is_found_among_many, .init = setup, .fini = teardown)
{
    char text[32];

    for (int fd = 3; fd < DESCRIPTORS; fd++) {
        snprintf(text, sizeof text, "10.0.%d.%d", fd / 256, fd % 256);
        come(fd, fd >= 400 && fd < 600 ? "192.0.2.1" : text);
    }
    for (int i = 0; i < 50; i++) {
        int fd = chosen();
        cr_assert(fd >= 400 && fd < 600, "%d", fd);
        eviction_remove(eviction, fd);
    }
}

Test(eviction, descriptors_beyond_are_not_known, .init = setup, .fini = teardown)
{
    struct connection beyond = {.fd = DESCRIPTORS};
    struct p0f_addr addr = {.type = 4, .bytes = {192, 0, 2, 2}};

    cr_assert_eq(eviction_expect(eviction, DESCRIPTORS, &addr).counts[0], 1);
    cr_assert_eq(eviction_expect(eviction, DESCRIPTORS, &addr).counts[0], 1);
    eviction_add(eviction, &beyond);
    cr_assert_eq(chosen(), -1);
}
