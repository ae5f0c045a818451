/* SPDX-License-Identifier: MIT */
#include "../../support/c/jansson_memory.h"
#include "status_fixture.h"

static char *render(const void *snapshot)
{
    size_t length;

    return render_status(snapshot, &length);
}

static char *render_stale(const void *detail)
{
    size_t length;

    return render_readiness("stale", detail, &length);
}

Test(render_status_memory, readiness_without_memory_is_null_and_leaks_nothing)
{
    jansson_starve(render_stale, "why");
}

Test(render_status_memory, without_memory_is_null_and_leaks_nothing)
{
    static struct share_status share;
    struct status_snapshot snapshot = full_snapshot();

    share = full_share();
    snapshot.share = &share;
    full_sensor.name = "wan";
    jansson_starve(render, &snapshot);
    full_sensor.name = "";
    config_snapshot_unref(snapshot.configuration);
}
