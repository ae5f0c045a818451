/* SPDX-License-Identifier: MIT */
#include "p0f/pool_fault.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct pool_status pool;
static char reason[POOL_FAULT_SIZE];

static void open_pool(uint32_t connections)
{
    memset(&pool, 0, sizeof pool);
    pool.socket = "/run/x";
    pool.wanted = P0F_DIALECT_MTU;
    pool.connections = connections;
    memset(reason, 'x', sizeof reason);
}

static void expect(const char *expected)
{
    cr_assert(pool_fault_find(&pool, reason));
    cr_assert_str_eq(reason, expected, "%s", reason);
}

Test(pool_fault, none_when_one_is_ready)
{
    open_pool(2);
    pool.links[0].fault = (struct link_fault){.error = P0F_UNREACHABLE, .cause = ENOENT};
    pool.links[1].state = LINK_READY;
    cr_assert_not(pool_fault_find(&pool, reason));
    cr_assert_str_empty(reason);
}

Test(pool_fault, cannot_connect)
{
    open_pool(1);
    pool.links[0].fault = (struct link_fault){.error = P0F_UNREACHABLE, .cause = ECONNREFUSED};
    expect("/run/x: cannot connect to p0f: Connection refused");
    pool.links[0].fault = (struct link_fault){.error = P0F_SYSTEM, .cause = EMFILE};
    expect("/run/x: cannot connect to p0f: Too many open files");
}

Test(pool_fault, lost)
{
    open_pool(1);
    pool.links[0].fault.error = P0F_DISCONNECTED;
    expect("/run/x: connection to p0f lost: p0f closed the connection; reconnecting");
}

Test(pool_fault, wrong_dialect)
{
    open_pool(1);
    pool.links[0].fault =
        (struct link_fault){.error = P0F_WRONG_DIALECT, .dialect = P0F_DIALECT_API2};
    for (pool.links[0].state = LINK_DOWN; pool.links[0].state < LINK_READY; pool.links[0].state++)
        expect("/run/x: p0f.dialect is mtu, but p0f's answers have 243 bytes (api2), not 234");
}

Test(pool_fault, not_answered)
{
    open_pool(1);
    pool.links[0].state = LINK_PROBING;
    expect("/run/x: connected, but p0f has not answered yet");
    pool.links[0].silent = true;
    expect("/run/x: p0f accepts connections but does not answer: its connection limit (-S) is "
           "reached, or it is stopped");
}

Test(pool_fault, the_connection_that_explains_most)
{
    open_pool(3);
    pool.links[0].fault = (struct link_fault){.error = P0F_UNREACHABLE, .cause = EAGAIN};
    pool.links[1].state = LINK_PROBING;
    pool.links[1].silent = true;
    pool.links[2].fault.error = P0F_DISCONNECTED;
    expect("/run/x: p0f accepts connections but does not answer: its connection limit (-S) is "
           "reached, or it is stopped");
    pool.links[1].silent = false;
    expect("/run/x: connected, but p0f has not answered yet");
}

static void expect_text(struct link_fault fault, const char *expected)
{
    pool_fault_describe(&fault, reason);
    cr_assert_str_eq(reason, expected, "%s", reason);
}

Test(pool_fault, faults_in_words)
{
    expect_text((struct link_fault){0}, "");
    expect_text((struct link_fault){.error = P0F_UNREACHABLE, .cause = ENOENT},
                "cannot connect: No such file or directory");
    expect_text((struct link_fault){.error = P0F_WRONG_DIALECT, .dialect = P0F_DIALECT_P0F3},
                "p0f's answers have 232 bytes (p0f3)");
    expect_text((struct link_fault){.error = P0F_DISCONNECTED}, "p0f closed the connection");
}
