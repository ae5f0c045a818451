/* SPDX-License-Identifier: MIT */
#include "status_fixture.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
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
    static struct status_sensor sensor = {.name = "", .pool = {.socket = "/x", .connections = 1}};
    struct status_snapshot snapshot = {.version = "1",
                                       .configuration = config_snapshot_new(),
                                       .sensors_count = 1,
                                       .sensors = &sensor};

    sensor.pool.links[0].fault =
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

/* The document's member, as text for free(). */
static char *member(const struct status_snapshot *snapshot, const char *name)
{
    size_t length;
    char *text = render_status(snapshot, &length);
    json_t *document = json_loads(text, 0, NULL), *value = json_object_get(document, name);
    char *found = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    json_decref(document);
    free(text);
    return found;
}

static void expect_member(const struct status_snapshot *snapshot, const char *name,
                          const char *expected)
{
    char *found = member(snapshot, name);

    if (expected)
        cr_assert_str_eq(found, expected, "%s", found);
    else
        cr_assert_null(found, "%s", found);
    free(found);
}

#define WAN_POOL                                                                                   \
    "{\"socket\":\"/run/wan\",\"p0f_up\":true,\"fault\":null,\"limit_suspected\":false,"           \
    "\"dialect\":\"mtu\",\"ready\":0,\"queued\":0,\"in_flight\":0,\"max_rate\":0,\"reconnects\":"  \
    "0}"
#define WAN                                                                                        \
    "{\"name\":\"web1/wan\",\"socket\":\"/run/wan\",\"up\":true,\"fault\":null,\"pool\":" WAN_POOL \
    ",\"connections\":[]}"

/* With several, what is of one is nowhere else: nobody takes the first for all. */
Test(render_status, sensors)
{
    static struct status_sensor sensors[2] = {
        {"web1/wan", {.socket = "/run/wan", .up = true, .dialect = P0F_DIALECT_MTU}},
        {"web1/lan",
         {.socket = "/run/lan",
          .connections = 1,
          .links = {{.fault = {.error = P0F_DISCONNECTED, .dialect = P0F_DIALECT_P0F3}}}}},
    };
    struct status_snapshot snapshot = full_snapshot();
    const char *lan_fault = "/run/lan: connection to p0f lost: p0f closed the connection; "
                            "reconnecting";
    char expected[2048];

    expect_member(&snapshot, "sensors", NULL);
    snapshot.sensors = sensors;
    snapshot.sensors_count = 1; /* named */
    expect_member(&snapshot, "sensors", "[" WAN "]");
    expect_member(&snapshot, "pool", WAN_POOL);
    expect_member(&snapshot, "connections", "[]");
    snapshot.sensors_count = 2;
    snprintf(expected, sizeof expected,
             "[" WAN
             ",{\"name\":\"web1/lan\",\"socket\":\"/run/lan\",\"up\":false,\"fault\":\"%s\","
             "\"pool\":{\"socket\":\"/run/lan\",\"p0f_up\":false,\"fault\":\"%s\","
             "\"limit_suspected\":false,\"dialect\":null,\"ready\":0,\"queued\":0,\"in_flight\":0,"
             "\"max_rate\":0,\"reconnects\":0},"
             "\"connections\":[{\"state\":\"down\",\"dialect\":null,\"age_seconds\":null,"
             "\"in_flight\":0,\"overdue_ms\":0,\"pending\":0,\"reconnects\":0,"
             "\"last_error\":\"p0f closed the connection\"}]}]",
             lan_fault, lan_fault);
    expect_member(&snapshot, "sensors", expected);
    expect_member(&snapshot, "pool", NULL);
    expect_member(&snapshot, "connections", NULL);
    config_snapshot_unref(snapshot.configuration);
}

Test(render_status, share)
{
    static struct share_status share;
    struct status_snapshot snapshot = full_snapshot();

    share = full_share();
    expect_member(&snapshot, "share", NULL);
    snapshot.share = &share;
    expect_member(
        &snapshot, "share",
        "{\"up\":true,\"cluster\":true,\"nodes\":["
        "{\"server\":\"a:6379\",\"state\":\"up\",\"fault\":null,\"in_flight\":1,\"reconnects\":2},"
        "{\"server\":\"unix:/b\",\"state\":\"open\",\"fault\":\"LOADING\",\"in_flight\":3,"
        "\"reconnects\":4}],"
        "\"hosts_written\":5,\"counts\":{"
        "\"reads\":{\"found\":11,\"none\":12,\"timeout\":13,\"error\":14,\"skipped\":15},"
        "\"late_answers\":16,"
        "\"writes\":{\"ok\":17,\"error\":18,\"unchanged\":19,\"dropped\":20},"
        "\"hits\":{\"web1\":6,\"web2/wan\":7,\"(other)\":8},"
        "\"fields_ignored\":{\"invalid\":21,\"expired\":22,\"cut\":23},"
        "\"redirects\":{\"moved\":24,\"ask\":25},\"breaker_opened\":26,"
        "\"connects\":{\"connected\":27,\"failed\":28}}}");
    config_snapshot_unref(snapshot.configuration);
}
