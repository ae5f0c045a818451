/* SPDX-License-Identifier: MIT */
#include "truth.h"

#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a sensor knows of a host. */
struct view {
    enum truth_kind kind;
    bool known; /* of those that change */
    bool complete;
    bool denied;
    uint32_t variant;
    uint32_t last_seen;
    struct mono denied_at; /* last */
};

static struct {
    struct view views[TRUTH_HOSTS][MODEL_SENSORS_MAX];
    char names[MODEL_SENSORS_MAX + TRUTH_ELSEWHERE][16];
    struct truth_said *said;
    uint32_t count;
    uint32_t capacity;
} truth;

static struct chance *const chance = &model.chance;

/* ---- Who knows whom */

/* Each host that is known, or changes, is so to one sensor at least; what it is to the others varies. */
static enum truth_kind kind_to(uint32_t host, unsigned sensor)
{
    uint32_t row = host / 3, other = row / model.settings.sensors + sensor;
    enum truth_kind kind = truth_kind(host);

    if (kind == TRUTH_UNKNOWN || row % model.settings.sensors == sensor)
        return kind;
    if (kind == TRUTH_KNOWN)
        return (enum truth_kind)(other % 3);
    return other % 2 ? TRUTH_CHANGES : TRUTH_UNKNOWN;
}

enum truth_kind truth_kind(uint32_t host)
{
    return (enum truth_kind)(host % 3);
}

bool truth_is_nowhere(uint32_t host)
{
    return truth_kind(host) == TRUTH_UNKNOWN && (!model.settings.shared || host % 9 == 1);
}

static void name_sensors(void)
{
    const char *own = model.settings.shared ? "here" : "p0f";

    for (unsigned i = 0; i < MODEL_SENSORS_MAX; i++)
        if (model.settings.sensors > 1)
            snprintf(truth.names[i], sizeof truth.names[i], "%s/%u", own, i);
        else
            strcpy(truth.names[i], model.settings.shared ? own : "");
    for (unsigned i = 0; i < TRUTH_ELSEWHERE; i++)
        snprintf(truth.names[MODEL_SENSORS_MAX + i], sizeof truth.names[0], "elsewhere/%u", i);
}

const char *truth_sensor(unsigned sensor)
{
    return truth.names[sensor];
}

void truth_start(void)
{
    memset(truth.views, 0, sizeof truth.views);
    truth.count = 0;
    name_sensors();
    for (unsigned sensor = 0; sensor < model.settings.sensors; sensor++) {
        for (uint32_t i = 0; i < TRUTH_HOSTS; i++)
            truth.views[i][sensor].kind = kind_to(i, sensor);
        truth_forget(sensor);
    }
}

void truth_end(void)
{
    free(truth.said);
    truth.said = NULL;
    truth.capacity = 0;
}

/* The first is the address of the probes; both families begin with the same bytes. */
struct p0f_addr truth_addr(uint32_t host)
{
    struct p0f_addr addr = {.type = host % 2 ? 6 : 4};

    if (host == 0)
        return addr;
    addr.bytes[0] = 10;
    addr.bytes[2] = (uint8_t)(host >> 8);
    addr.bytes[3] = (uint8_t)host;
    if (addr.type == 6)
        addr.bytes[15] = (uint8_t)~host;
    return addr;
}

uint32_t truth_host(const struct p0f_addr *addr)
{
    uint32_t host = (uint32_t)addr->bytes[2] << 8 | addr->bytes[3];
    struct p0f_addr expected = truth_addr(host);

    model_check(host < TRUTH_HOSTS && memcmp(addr, &expected, sizeof expected) == 0,
                "an address that nobody asked for");
    return host;
}

void truth_forget(unsigned sensor)
{
    for (uint32_t i = 0; i < TRUTH_HOSTS; i++) {
        struct view *view = &truth.views[i][sensor];
        view->known = chance_permille(chance, 500);
        view->complete = chance_permille(chance, 700);
        view->last_seen = (uint32_t)model_wall() - chance_below(chance, 5000);
    }
}

/* ---- What they say */

/* All fields from the host, the number and what was said. */
static struct p0f_host host_of(uint32_t number, const struct truth_said *said)
{
    struct p0f_addr addr = truth_addr(said->host);
    struct p0f_host host = {
        .dialect = said->dialect,
        .first_seen = said->host + 1,
        .last_seen = said->last_seen,
        .total_conn = number,
        .uptime_min = said->host ^ number,
        .up_mod_days = addr.type,
        .last_nat = said->variant * 2654435761u,
        .last_chg = said->host * 2654435761u,
        .distance = (int16_t)said->host,
        .bad_sw = (uint8_t)(said->host % 3),
        .os_match_q = (uint8_t)(said->variant % 4),
    };

    for (unsigned i = 0; i < 16; i++)
        snprintf(host.os_flavor + 2 * i, 3, "%02x", addr.bytes[i]);
    snprintf(host.link_type, sizeof host.link_type, "of host %u", said->host);
    snprintf(host.language, sizeof host.language, "%u by sensor %u", said->variant, said->sensor);
    if (said->complete) {
        snprintf(host.os_name, sizeof host.os_name, "OS %u", said->host);
        snprintf(host.http_name, sizeof host.http_name, "App %u", said->variant);
    }
    if (said->dialect == P0F_DIALECT_MTU)
        host.link_mtu = (uint16_t)said->host;
    if (said->dialect == P0F_DIALECT_MSS) {
        host.mtu = (uint16_t)said->variant;
        host.mss = (uint16_t)said->host;
    }
    if (said->dialect == P0F_DIALECT_API2) {
        host.version = 2;
        host.last_mtu = (uint16_t)said->host;
        host.last_freq = said->variant;
    }
    return host;
}

static struct p0f_host remember(struct truth_said said)
{
    said.at = model_boottime();
    said.wall = model_wall();
    if (truth.count == truth.capacity) {
        truth.capacity = truth.capacity ? 2 * truth.capacity : 1024;
        truth.said = realloc(truth.said, truth.capacity * sizeof *truth.said);
        model_check(truth.said, "no memory for the model itself");
    }
    truth.said[truth.count] = said;
    return host_of(truth.count++, &said);
}

static bool is_known(struct view *view)
{
    if (view->kind != TRUTH_CHANGES)
        return view->kind == TRUTH_KNOWN;
    if (chance_permille(chance, 100))
        view->known = !view->known;
    return view->known;
}

struct p0f_answer truth_say(unsigned sensor, uint32_t number, enum p0f_dialect dialect)
{
    struct view *view = &truth.views[number][sensor];
    struct p0f_answer answer = {.status = P0F_STATUS_NOMATCH};

    if (!is_known(view)) {
        view->denied = true;
        view->denied_at = model.now;
        return answer;
    }
    if (chance_permille(chance, 100))
        view->complete = !view->complete;
    if (chance_permille(chance, 150))
        view->variant = chance_below(chance, 1000);
    if (chance_permille(chance, 300)) /* a visit; hosts are seen by several in the same second */
        view->last_seen = (uint32_t)model_wall() - chance_below(chance, 3);
    answer.status = P0F_STATUS_OK;
    answer.host = remember((struct truth_said){.host = number,
                                               .sensor = sensor,
                                               .dialect = dialect,
                                               .complete = view->complete,
                                               .variant = view->variant,
                                               .last_seen = view->last_seen});
    return answer;
}

/* What is read back from the tier is in the stock dialect, if it was in the one with signatures. */
struct p0f_host truth_say_elsewhere(unsigned sensor, uint32_t number, int64_t seconds_ago)
{
    return remember((struct truth_said){
        .host = number,
        .sensor = MODEL_SENSORS_MAX + sensor,
        .dialect = (enum p0f_dialect)chance_between(chance, P0F_DIALECT_P0F3, P0F_DIALECT_API2),
        .complete = chance_permille(chance, 700),
        .variant = chance_below(chance, 1000),
        .last_seen = (uint32_t)(model_wall() - seconds_ago)});
}

bool truth_denied_since(uint32_t host, struct mono since)
{
    for (unsigned sensor = 0; sensor < model.settings.sensors; sensor++) {
        const struct view *view = &truth.views[host][sensor];
        if (!view->denied || mono_before(view->denied_at, since))
            return false;
    }
    return true;
}

/* ---- What was said */

struct boottime truth_told(const struct p0f_host *host)
{
    struct truth_said *said = &truth.said[host->total_conn];

    if (said->told.ns == 0)
        said->told = model_boottime();
    return said->told;
}

const struct truth_said *truth_said(uint32_t host, uint32_t number)
{
    model_check(number < truth.count, "host %u: an answer that p0f never gave", host);
    const struct truth_said *said = &truth.said[number];
    model_check(said->host == host, "host %u: the answer of host %u", host, said->host);
    return said;
}

static bool is_same(const struct truth_said *a, const struct truth_said *b)
{
    return a->variant == b->variant && a->complete == b->complete && a->dialect == b->dialect;
}

bool truth_unchanged(uint32_t before, uint32_t number)
{
    const struct truth_said *last = &truth.said[number];
    bool same = true;

    for (const struct truth_said *said = &truth.said[before]; said < last && same; said++)
        same = said->host != last->host || said->sensor != last->sensor || is_same(said, last);
    return same;
}

struct p0f_host truth_answer(uint32_t number)
{
    return host_of(number, &truth.said[number]);
}

static void check_fields(const struct truth_said *said, const struct p0f_host *host,
                         enum p0f_dialect dialect)
{
    uint8_t got[P0F_ANSWER_MAX], want[P0F_ANSWER_MAX];
    struct p0f_answer a = {.status = P0F_STATUS_OK, .host = *host};
    struct p0f_answer b = {.status = P0F_STATUS_OK, .host = host_of(host->total_conn, said)};
    size_t size = p0f_answer_pack(&a, dialect, got);

    p0f_answer_pack(&b, dialect, want);
    model_check(memcmp(got, want, size) == 0, "host %u: not what p0f said", said->host);
}

const struct truth_said *truth_check(uint32_t number, const struct p0f_host *host,
                                     const char *sensor)
{
    const struct truth_said *said = truth_said(number, host->total_conn);
    bool same = said->dialect == host->dialect;

    /* The tier does not keep the dialect, but only what it says. */
    if (model.settings.shared && said->dialect == P0F_DIALECT_SIG)
        same = same || host->dialect == P0F_DIALECT_P0F3;
    model_check(same, "host %u: an answer read in the wrong dialect", number);
    check_fields(said, host, host->dialect);
    model_check(strcmp(sensor, truth_sensor(said->sensor)) == 0,
                "host %u: %s has said what %s is named for", number, truth_sensor(said->sensor),
                sensor);
    return said;
}

void truth_check_stock(uint32_t number, const struct p0f_host *host)
{
    check_fields(truth_said(number, host->total_conn), host, P0F_DIALECT_P0F3);
}
