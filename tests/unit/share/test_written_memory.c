/* SPDX-License-Identifier: MIT */
#include "../../support/c/short_memory.h"
#include "share/written.h"

#include <criterion/criterion.h>

/* False when nothing was refused. */
static bool starve(long fail_at)
{
    memory_start(fail_at, false);
    struct written *written = written_new(100, (struct hash_key){1, 2});
    bool refused = memory_stop();

    cr_assert_eq(!written, refused, "at allocation %ld", fail_at);
    cr_assert(written || memory.in_use == 0, "%ld leaked at allocation %ld", memory.in_use,
              fail_at);
    written_free(written);
    return refused;
}

Test(written_memory, without_memory_there_is_no_table)
{
    long fail_at = 0;

    while (starve(fail_at))
        fail_at++;
    cr_assert_gt(fail_at, 0);
}
