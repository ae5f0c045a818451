/* SPDX-License-Identifier: MIT */
#include "status_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void expect(const struct status_snapshot *snapshot, const char *expected)
{
    size_t length;
    char *text = render_status(snapshot, &length);

    cr_assert_str_eq(text, expected, "%s", text);
    cr_assert_eq(length, strlen(expected));
    free(text);
}

Test(render_status, everything_has_its_place)
{
    struct status_snapshot snapshot = full_snapshot();

    expect(
        &snapshot,
        "{\"name\":\"p0f-lookupd\",\"version\":\"1.2.3\",\"started\":\"2023-11-14T22:13:20Z\","
        "\"uptime_seconds\":61,"
        "\"configuration\":{\"http\":{\"listen\":\"unix:/run/\xc3\xa9\",\"access_log\":\"no\"},"
        "\"cache\":{\"ttl\":\"30s\"}},"
        "\"reload\":{\"successful\":false,\"last_success\":\"2023-11-14T22:13:21Z\","
        "\"error\":\"/etc/x.conf:3: \xc3\xa9\",\"waiting_for_restart\":{"
        "\"http.listen\":\"unix:/run/b\",\"http.access_log\":\"yes\"}},"
        "\"cache\":{\"hosts\":{\"entries\":1,\"capacity\":5,\"bytes\":19,\"evictions\":3},"
        "\"misses\":{\"entries\":2,\"capacity\":6,\"bytes\":20,\"evictions\":4}},"
        "\"lookups\":{\"pending\":7,\"max_pending\":8,\"flights\":9},"
        "\"pool\":{\"socket\":\"/run/\xc3\xa9\",\"p0f_up\":true,\"fault\":null,"
        "\"limit_suspected\":true,\"dialect\":\"api2\",\"ready\":1,\"queued\":10,\"in_flight\":11,"
        "\"max_rate\":12,\"reconnects\":13},"
        "\"relay\":{\"listen\":[\"unix:/run/a\",\"unix:/run/b\"],\"connections\":21,"
        "\"max_connections\":22,\"lookups\":23,\"max_lookups\":24},"
        "\"connections\":[{\"state\":\"ready\",\"dialect\":\"api2\",\"age_seconds\":16,"
        "\"in_flight\":14,\"overdue_ms\":17,\"pending\":15,\"reconnects\":18,\"last_error\":null},"
        "{\"state\":\"down\",\"dialect\":null,\"age_seconds\":null,\"in_flight\":0,\"overdue_ms\":"
        "0,"
        "\"pending\":0,\"reconnects\":0,"
        "\"last_error\":\"cannot connect: No such file or directory\"}]}\n");
    config_snapshot_unref(snapshot.configuration);
}

Test(render_status, readiness_and_why)
{
    size_t length;
    char *text = render_readiness("stale", "/run/\xe9: \"gone\"", &length);
    const char *expected = "{\"status\":\"stale\",\"detail\":\"/run/\xc3\xa9: \\\"gone\\\"\"}\n";

    cr_assert_str_eq(text, expected, "%s", text);
    cr_assert_eq(length, strlen(expected));
    free(text);
}

Test(render_status, nothing_known)
{
    struct status_snapshot snapshot = {.version = "1",
                                       .configuration = config_snapshot_new(),
                                       .pool = {.socket = "/x", .connections = 1}};

    snapshot.pool.links[0].fault =
        (struct link_fault){.error = P0F_DISCONNECTED, .dialect = P0F_DIALECT_P0F3};
    expect(&snapshot,
           "{\"name\":\"p0f-lookupd\",\"version\":\"1\",\"started\":\"1970-01-01T00:00:00Z\","
           "\"uptime_seconds\":0,\"configuration\":{},"
           "\"reload\":{\"successful\":true,\"last_success\":\"1970-01-01T00:00:00Z\","
           "\"error\":null,\"waiting_for_restart\":{}},"
           "\"cache\":{\"hosts\":{\"entries\":0,\"capacity\":0,\"bytes\":0,\"evictions\":0},"
           "\"misses\":{\"entries\":0,\"capacity\":0,\"bytes\":0,\"evictions\":0}},"
           "\"lookups\":{\"pending\":0,\"max_pending\":0,\"flights\":0},"
           "\"pool\":{\"socket\":\"/x\",\"p0f_up\":false,"
           "\"fault\":\"/x: connection to p0f lost: p0f closed the connection; reconnecting\","
           "\"limit_suspected\":false,\"dialect\":null,\"ready\":0,\"queued\":0,\"in_flight\":0,"
           "\"max_rate\":0,\"reconnects\":0},"
           "\"connections\":[{\"state\":\"down\",\"dialect\":null,\"age_seconds\":null,\"in_"
           "flight\":0,"
           "\"overdue_ms\":0,\"pending\":0,\"reconnects\":0,"
           "\"last_error\":\"p0f closed the connection\"}]}\n");
    config_snapshot_unref(snapshot.configuration);
}
