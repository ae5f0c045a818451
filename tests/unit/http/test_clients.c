/* SPDX-License-Identifier: MIT */
#include "http/clients.h"

#include <criterion/criterion.h>
#include <pthread.h>

static struct client all[3];

static void enter(int i, int fd)
{
    all[i] = (struct client){.entry.fd = fd};
    clients_enter(&all[i]);
}

static void leave_all(void)
{
    while (clients_first())
        clients_leave(clients_first());
}

static void expect(int fd, const struct client *client)
{
    cr_assert_eq(clients_find(fd), client, "%d", fd);
}

Test(clients, are_found_by_their_descriptor, .fini = leave_all)
{
    expect(7, NULL);
    enter(0, 7);
    enter(1, 5000);
    enter(2, 0);
    expect(7, &all[0]);
    expect(5000, &all[1]);
    expect(0, &all[2]);
    expect(8, NULL);
    expect(-1, NULL);
    expect(1 << 20, NULL);
}

Test(clients, are_gone_when_they_have_left, .fini = leave_all)
{
    enter(0, 7);
    enter(1, 8);
    clients_leave(&all[0]);
    expect(7, NULL);
    expect(8, &all[1]);
    clients_leave(&all[1]);
    expect(8, NULL);
    enter(2, 7);
    expect(7, &all[2]);
    expect(8, NULL);
}

Test(clients, are_listed, .fini = leave_all)
{
    cr_assert_null(clients_first());
    enter(0, 7);
    enter(1, 8);
    cr_assert_eq(clients_first(), &all[1]);
    cr_assert_eq(LIST_NEXT(clients_first(), link), &all[0]);
    cr_assert_null(LIST_NEXT(&all[0], link));
}

static void *find_in_a_new_thread(void *ctx)
{
    expect(7, NULL);
    cr_assert_null(clients_first());
    return ctx;
}

Test(clients, are_those_of_a_thread, .fini = leave_all)
{
    pthread_t thread;

    enter(0, 7);
    cr_assert_eq(pthread_create(&thread, NULL, find_in_a_new_thread, NULL), 0);
    pthread_join(thread, NULL);
}
