/* SPDX-License-Identifier: MIT */
/* Settings when the memory gives out, at a reload say: that is not taken for a wrong setting. */
#include "../../support/c/short_memory.h"
#include "config/config.h"
#include "config/snapshot.h"

#include <criterion/criterion.h>

static void expect_out_of_memory(const struct config_source *source)
{
    char error[CONFIG_ERROR_SIZE];

    for (long fail_at = 0;; fail_at++) {
        memory_start(fail_at, false);
        struct config *config = config_load(source, error);
        int problem = errno;
        if (!memory_stop()) {
            cr_assert_gt(fail_at, 6);
            cr_assert_not_null(config, "%s", error);
            config_free(config);
            break;
        }
        cr_assert_null(config, "allocation %ld", fail_at);
        cr_assert_eq(problem, ENOMEM, "allocation %ld: %s", fail_at, error);
        cr_assert_str_eq(error, "out of memory");
        cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
    }
}

Test(config_memory, loading)
{
    char *overrides[] = {"http.listen=unix:/x", "http.trusted_proxies=::1, 10.0.0.0/8",
                         "http.cors_origins=https://a.example", "p0f.socket=/y"};

    expect_out_of_memory(
        &(struct config_source){.file = "/dev/null", .override = overrides, .override_count = 4});
}

Test(config_memory, a_guess_at_what_was_meant)
{
    char *override = "http.trusted_proxies=::1 ::2";
    struct config_source source = {.override = &override, .override_count = 1};
    char error[CONFIG_ERROR_SIZE];

    for (long fail_at = 0;; fail_at++) {
        memory_start(fail_at, false);
        struct config *config = config_load(&source, error);
        int problem = errno;
        bool failed = memory_stop();
        cr_assert_null(config, "allocation %ld", fail_at);
        cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
        if (!failed)
            break;
        if (problem != ENOMEM) /* the message lacks the guess */
            cr_assert_eq(strncmp(error, "-o http.trusted_proxies = ::1 ::2: expected ", 44), 0);
    }
    cr_assert_not_null(strstr(error, "; did you mean ::1, ::2?"), "%s", error);
}

Test(config_memory, snapshots_say_that_they_lack_something)
{
    for (long fail_at = 0;; fail_at++) {
        memory_start(fail_at, true);
        struct config_snapshot *snapshot = config_snapshot_new();
        if (snapshot) {
            config_snapshot_add(snapshot, "p0f", "socket", "/x");
            config_snapshot_add_waiting(snapshot, "p0f", "socket", "/y");
        }
        bool complete = snapshot && config_snapshot_complete(snapshot);
        config_snapshot_unref(snapshot);
        bool failed = memory_stop();
        cr_assert_eq(complete, !failed, "allocation %ld", fail_at);
        cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
        if (!failed)
            break;
    }
}
