/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include "model.h"
#include "rounds.h"
#include "sim_p0f.h"
#include "truth.h"

#include <string.h>
#include <sys/un.h>

#define BURST_NS 50000000 /* what max_rate allows to be made up for */

static struct {
    struct tap_line lines[TAP_LINES];
    uint64_t order;
    uint32_t max_rate;
    struct bucket { /* leaks max_rate queries a second */
        double level;
        struct mono at;
    } rates[MODEL_SENSORS_MAX];
} tap;

void tap_start(uint32_t max_rate)
{
    memset(&tap, 0, sizeof tap);
    tap_set_max_rate(max_rate);
}

void tap_end(void)
{
    model_check(tap_open(NULL) == 0, "%u connections were never closed", tap_open(NULL));
}

void tap_set_max_rate(uint32_t max_rate)
{
    tap.max_rate = max_rate;
    for (unsigned i = 0; i < MODEL_SENSORS_MAX; i++)
        tap.rates[i] = (struct bucket){0, model.now};
}

/* ---- Lines */

struct tap_line *tap_line_of(int fd)
{
    for (unsigned i = 0; i < TAP_LINES; i++)
        if (tap.lines[i].used && tap.lines[i].fd == fd)
            return &tap.lines[i];
    return NULL;
}

/* A line is kept until both ends have closed it. */
static void release(struct tap_line *line)
{
    if (line->fd < 0 && line->gone)
        line->used = false;
}

static unsigned sensor_at(const char *path)
{
    unsigned sensor = 0;

    while (sensor < model.settings.sensors && strcmp(path, sim_p0f_path(sensor)) != 0)
        sensor++;
    model_check(sensor < model.settings.sensors, "connected to %s, which is no sensor", path);
    return sensor;
}

void tap_opened(int fd, const struct sockaddr_un *name)
{
    struct tap_line *line = NULL;

    for (unsigned i = 0; i < TAP_LINES && !line; i++)
        if (!tap.lines[i].used)
            line = &tap.lines[i];
    model_check(line, "more connections than the model can hold");
    memset(line, 0, sizeof *line);
    line->used = true;
    line->fd = fd;
    line->sensor = sensor_at(name->sun_path);
    line->order = ++tap.order;
    model.counts.connects++;
    model_tell("connected: %llu", (unsigned long long)line->order);
    model_check(tap_open(&line->sensor) <= model.settings.connections,
                "%u connections, where %u are allowed", tap_open(&line->sensor),
                model.settings.connections);
}

static uint64_t outstanding_on(const struct tap_line *line)
{
    return line->gone ? 0 : line->sent - line->answered;
}

void tap_closed(struct tap_line *line)
{
    model_tell("closed: %llu", (unsigned long long)line->order);
    model_check(outstanding_on(line) == 0, "a connection was closed with %llu answers outstanding",
                (unsigned long long)outstanding_on(line));
    line->fd = -1;
    release(line);
}

struct tap_line *tap_waiting(unsigned sensor)
{
    struct tap_line *first = NULL;

    for (unsigned i = 0; i < TAP_LINES; i++) {
        struct tap_line *line = &tap.lines[i];
        if (line->used && line->sensor == sensor && !line->accepted && !line->gone &&
            (!first || line->order < first->order))
            first = line;
    }
    return first;
}

void tap_refuse_waiting(unsigned sensor)
{
    struct tap_line *line;

    while ((line = tap_waiting(sensor)))
        tap_hung_up(line);
}

void tap_hung_up(struct tap_line *line)
{
    line->gone = true;
    release(line);
}

uint64_t tap_outstanding_all(void)
{
    uint64_t outstanding = 0;

    for (unsigned i = 0; i < TAP_LINES; i++)
        if (tap.lines[i].used && tap.lines[i].fd >= 0)
            outstanding += outstanding_on(&tap.lines[i]);
    return outstanding;
}

unsigned tap_open(const unsigned *sensor)
{
    unsigned open = 0;

    for (unsigned i = 0; i < TAP_LINES; i++)
        open += tap.lines[i].used && tap.lines[i].fd >= 0 &&
                (!sensor || tap.lines[i].sensor == *sensor);
    return open;
}

unsigned tap_healthy(void)
{
    unsigned healthy = 0;

    for (unsigned i = 0; i < TAP_LINES; i++) {
        const struct tap_line *line = &tap.lines[i];
        healthy += line->used && line->fd >= 0 && !line->gone && !line->spoiled &&
                   line->sent >= TAP_PROBES && line->sent == line->answered;
    }
    return healthy;
}

unsigned tap_muddled(void)
{
    unsigned muddled = 0;

    for (unsigned i = 0; i < TAP_LINES; i++) {
        const struct tap_line *line = &tap.lines[i];
        muddled += line->used && line->fd >= 0 && !line->gone && line->muddled;
    }
    return muddled;
}

bool tap_in_trouble(void)
{
    bool trouble = false;

    for (unsigned i = 0; i < TAP_LINES; i++) {
        const struct tap_line *line = &tap.lines[i];
        trouble = trouble || (line->used && line->fd >= 0 && (line->gone || line->spoiled));
    }
    return trouble;
}

/* The daemon's own measure may only be more. Times are cut to milliseconds there. */
bool tap_is_overdue(unsigned sensor, int64_t ms)
{
    bool overdue = false;

    for (unsigned i = 0; i < TAP_LINES; i++) {
        const struct tap_line *line = &tap.lines[i];
        if (!line->used || line->fd < 0 || line->sensor != sensor)
            continue;
        if (mono_before(model.now, mono_add_ms(line->heard_at, ms)))
            return false;
        overdue = overdue ||
                  (line->heard >= TAP_PROBES && line->heard < line->sent && !line->gone &&
                   !line->spoiled &&
                   !mono_before(model.now,
                                mono_add_ms(line->asked[line->heard % TAP_UNANSWERED].sent, ms)));
    }
    return overdue;
}

bool tap_any_late(void)
{
    bool late = false;

    for (unsigned i = 0; i < TAP_LINES; i++) {
        const struct tap_line *line = &tap.lines[i];
        late = late || (line->used && line->fd >= 0 && line->heard < line->sent &&
                        mono_before(line->asked[line->heard % TAP_UNANSWERED].sent, model.now));
    }
    return late;
}

bool tap_awaits(unsigned sensor, uint64_t gather)
{
    bool awaits = false;

    for (unsigned i = 0; i < TAP_LINES; i++) {
        const struct tap_line *line = &tap.lines[i];
        if (!line->used || line->fd < 0 || line->sensor != sensor || line->gone || line->spoiled)
            continue;
        for (uint64_t n = line->heard; n < line->sent; n++)
            awaits = awaits || line->asked[n % TAP_UNANSWERED].gather == gather;
    }
    return awaits;
}

/* ---- Queries */

static void check_rate(unsigned sensor)
{
    struct bucket *rate = &tap.rates[sensor];

    if (tap.max_rate == 0)
        return;
    rate->level -= (double)(model.now.ns - rate->at.ns) * 1e-9 * tap.max_rate;
    if (rate->level < 0)
        rate->level = 0;
    rate->at = model.now;
    rate->level += 1;
    double max = tap.max_rate * (BURST_NS * 1e-9) + 2;
    model.counts.rate_limited += rate->level > max - 2;
    model_check(rate->level <= max, "max_rate is %u, and %.1f queries came at once", tap.max_rate,
                rate->level);
}

/* The oldest outstanding query that is no probe. */
static uint64_t first_outstanding(const struct tap_line *line)
{
    return line->answered < TAP_PROBES ? TAP_PROBES : line->answered;
}

/* What is no probe is under way once, over all lines to a sensor; what is outstanding on one that has failed was
 * given up and may be asked elsewhere. Where there are others to ask, one that is late may be asked anew for
 * somebody who comes later. */
static void check_alone(const struct tap_line *line, const struct tap_query *query)
{
    for (unsigned i = 0; i < TAP_LINES; i++) {
        const struct tap_line *other = &tap.lines[i];
        if (!other->used || other->gone || other->spoiled || other->sensor != line->sensor)
            continue;
        for (uint64_t n = first_outstanding(other); n < other->sent; n++) {
            const struct tap_query *before = &other->asked[n % TAP_UNANSWERED];
            model_check(before->gather != query->gather ||
                            memcmp(&before->addr, &query->addr, sizeof query->addr) != 0,
                        "host %u is asked about on line %llu while it is on line %llu",
                        truth_host(&query->addr), (unsigned long long)line->order,
                        (unsigned long long)other->order);
        }
    }
}

static void query_sent(struct tap_line *line)
{
    struct tap_query query = {.sent = model.now};

    model_check(p0f_query_unpack(line->query, &query.addr), "a query that is none");
    if (line->sent >= TAP_PROBES) {
        uint64_t outstanding = line->sent + 1 - first_outstanding(line);
        query.gather = rounds_gather(truth_host(&query.addr));
        model_check(outstanding <= model.settings.pipeline,
                    "%llu queries in flight on one connection, where %u are allowed",
                    (unsigned long long)outstanding, model.settings.pipeline);
        check_rate(line->sensor);
        check_alone(line, &query);
        model.counts.full_pipelines += outstanding == model.settings.pipeline;
        model.counts.queries++;
    }
    line->asked[line->sent++ % TAP_UNANSWERED] = query;
    if (line->spoiled)
        rounds_muddle(&query);
}

void tap_sent(struct tap_line *line, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        line->query[line->query_bytes++] = bytes[i];
        if (line->query_bytes == P0F_QUERY_SIZE) {
            line->query_bytes = 0;
            query_sent(line);
        }
    }
}

/* ---- Answers */

void tap_spoil(struct tap_line *line)
{
    line->spoiled = true;
    for (uint64_t n = line->heard; n < line->sent; n++)
        rounds_muddle(&line->asked[n % TAP_UNANSWERED]);
}

struct tap_query *tap_reads(struct tap_line *line)
{
    return &line->asked[line->read % TAP_UNANSWERED];
}

void tap_received(struct tap_line *line, size_t length)
{
    line->received += length;
    while (line->heard < line->read) {
        const struct tap_query *query = &line->asked[line->heard % TAP_UNANSWERED];
        if (query->end > line->received)
            break;
        line->heard++;
        if (line->heard > TAP_PROBES)
            rounds_heard(query, line);
    }
}
