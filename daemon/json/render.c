/* SPDX-License-Identifier: MIT */
/* Hosts and problems are written member by member, without jansson's objects: this runs on every miss
 * and every refusal, where building the objects took longer than everything else. jansson still writes
 * strings that need escaping, floating-point numbers, and documents that are seldom rendered. */
#include "json/render.h"

#include "core/rfc3339.h"
#include "core/strbuf.h"
#include "json/object.h"
#include "json/render_private.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_MAX 2048 /* six strings of 32 bytes, all \u00xx perhaps, and the rest of a host */

void render_init(void)
{
    json_object_seed(0);
}

/* ---- Member by member */

/* Takes ownership of `value`; NULL is a failure. */
static void put_json(struct strbuf *w, json_t *value)
{
    size_t room = w->size - w->used;
    size_t size = value ? json_dumpb(value, w->text + w->used, room, JSON_ENCODE_ANY) : 0;

    if (size == 0 || size > room)
        w->failed = true;
    else
        w->used += size;
    json_decref(value);
}

/* `name` needs no escaping. */
static void put_name(struct strbuf *w, const char *name)
{
    strbuf_puts(w, w->used == 0 ? "{\"" : ",\"");
    strbuf_puts(w, name);
    strbuf_puts(w, "\":");
}

static void put_integer(struct strbuf *w, const char *name, int64_t value)
{
    put_name(w, name);
    strbuf_put_number(w, value);
}

static void put_null(struct strbuf *w, const char *name)
{
    put_name(w, name);
    strbuf_puts(w, "null");
}

static void put_integer_or_null(struct strbuf *w, const char *name, int64_t value)
{
    if (value == 0)
        put_null(w, name);
    else
        put_integer(w, name, value);
}

/* Whether it needs no escaping, as nearly all of p0f's strings. */
static bool is_plain_text(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
            return false;
    return true;
}

static void put_text_member(struct strbuf *w, const char *name, const char *bytes)
{
    put_name(w, name);
    if (!is_plain_text(bytes)) {
        put_json(w, object_text(bytes));
        return;
    }
    strbuf_puts(w, "\"");
    strbuf_puts(w, bytes);
    strbuf_puts(w, "\"");
}

static void put_text_or_null(struct strbuf *w, const char *name, const char *bytes)
{
    if (bytes[0] == '\0')
        put_null(w, name);
    else
        put_text_member(w, name, bytes);
}

static void put_address(struct strbuf *w, const struct p0f_addr *addr)
{
    char ip[P0F_ADDR_TEXT_SIZE];

    p0f_addr_format(addr, ip);
    put_text_member(w, "ip", ip);
}

/* The object as one line; NULL when out of memory or room. */
static char *finish_object(struct strbuf *w, size_t *length)
{
    strbuf_put(w, "}\n", sizeof "}\n"); /* with its NUL */
    char *text = w->failed ? NULL : malloc(w->used);
    if (text) {
        memcpy(text, w->text, w->used);
        *length = w->used - 1;
    }
    return text;
}

/* ---- A host */

static void put_time_or_null(struct strbuf *w, const char *name, uint32_t seconds)
{
    char text[RFC3339_SIZE];

    if (seconds == 0) {
        put_null(w, name);
        return;
    }
    rfc3339_format(seconds, text);
    put_name(w, name);
    strbuf_puts(w, "\"");
    strbuf_put(w, text, RFC3339_SIZE - 1);
    strbuf_puts(w, "\"");
}

/* ISO 8601 in days, hours and minutes, without zero parts; null for zero. */
static void put_duration_or_null(struct strbuf *w, const char *name, uint32_t days,
                                 uint32_t minutes)
{
    const struct {
        uint32_t value;
        const char *before, *after;
    } parts[] = {
        {days + minutes / (24 * 60), "", "D"},
        {minutes / 60 % 24, "T", "H"},
        {minutes % 60, minutes / 60 % 24 ? "" : "T", "M"},
    };

    if (days == 0 && minutes == 0) {
        put_null(w, name);
        return;
    }
    put_name(w, name);
    strbuf_puts(w, "\"P");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].value == 0)
            continue;
        strbuf_puts(w, parts[i].before);
        strbuf_put_number(w, parts[i].value);
        strbuf_puts(w, parts[i].after);
    }
    strbuf_puts(w, "\"");
}

static void put_distance_or_null(struct strbuf *w, const char *name, int16_t hops)
{
    if (hops == P0F_DISTANCE_UNKNOWN || hops == -1)
        put_null(w, name);
    else
        put_integer(w, name, hops);
}

/* An extra field of a dialect: when parsed, 0 is unknown. */
static void put_extra(struct strbuf *w, const char *name, int64_t value, enum render_format format)
{
    if (format == RENDER_RAW)
        put_integer(w, name, value);
    else
        put_integer_or_null(w, name, value);
}

/* JSON has no infinities and no NaN: those are unknown in both formats. */
static void put_extra_real(struct strbuf *w, const char *name, double value,
                           enum render_format format)
{
    if (!isfinite(value) || (format == RENDER_PARSED && value == 0)) {
        put_null(w, name);
        return;
    }
    put_name(w, name);
    put_json(w, json_real(value));
}

static void put_extras(struct strbuf *w, const struct p0f_host *host, enum render_format format)
{
    switch (host->dialect) {
    case P0F_DIALECT_AUTO:
    case P0F_DIALECT_P0F3:
    case P0F_DIALECT_SIG:
        break;
    case P0F_DIALECT_MTU:
        put_extra(w, "link_mtu", host->link_mtu, format);
        break;
    case P0F_DIALECT_MSS:
        put_extra(w, "mtu", host->mtu, format);
        put_extra(w, "mss", host->mss, format);
        break;
    case P0F_DIALECT_API2:
        put_integer(w, "version", host->version);
        put_extra(w, "last_mtu", host->last_mtu, format);
        put_extra_real(w, "last_freq", host->last_freq, format);
        break;
    }
}

static void put_parsed(struct strbuf *w, const struct p0f_host *host)
{
    put_time_or_null(w, "first_seen", host->first_seen);
    put_time_or_null(w, "last_seen", host->last_seen);
    put_integer(w, "total_conn", host->total_conn);
    put_integer_or_null(w, "uptime_min", host->uptime_min);
    put_integer_or_null(w, "uptime_sec", (int64_t)host->uptime_min * 60);
    put_duration_or_null(w, "uptime", 0, host->uptime_min);
    put_duration_or_null(w, "up_mod_days", host->up_mod_days, 0);
    put_time_or_null(w, "last_nat", host->last_nat);
    put_time_or_null(w, "last_chg", host->last_chg);
    put_distance_or_null(w, "distance", host->distance);
    put_integer_or_null(w, "bad_sw", host->bad_sw);
    put_integer(w, "os_match_q", host->os_match_q);
    put_text_or_null(w, "os_name", host->os_name);
    put_text_or_null(w, "os_flavor", host->os_flavor);
    put_text_or_null(w, "http_name", host->http_name);
    put_text_or_null(w, "http_flavor", host->http_flavor);
    put_text_or_null(w, "link_type", host->link_type);
    put_text_or_null(w, "language", host->language);
}

static void put_raw(struct strbuf *w, const struct p0f_host *host)
{
    put_integer(w, "magic", P0F_ANSWER_MAGIC);
    put_integer(w, "status", P0F_STATUS_OK);
    put_integer(w, "first_seen", host->first_seen);
    put_integer(w, "last_seen", host->last_seen);
    put_integer(w, "total_conn", host->total_conn);
    put_integer(w, "uptime_min", host->uptime_min);
    put_integer(w, "up_mod_days", host->up_mod_days);
    put_integer(w, "last_nat", host->last_nat);
    put_integer(w, "last_chg", host->last_chg);
    put_integer(w, "distance", host->distance);
    put_integer(w, "bad_sw", host->bad_sw);
    put_integer(w, "os_match_q", host->os_match_q);
    put_text_member(w, "os_name", host->os_name);
    put_text_member(w, "os_flavor", host->os_flavor);
    put_text_member(w, "http_name", host->http_name);
    put_text_member(w, "http_flavor", host->http_flavor);
    put_text_member(w, "link_type", host->link_type);
    put_text_member(w, "language", host->language);
}

void render_host_members(struct strbuf *w, const struct p0f_addr *addr, const struct p0f_host *host,
                         enum render_format format)
{
    put_address(w, addr);
    if (format == RENDER_RAW)
        put_raw(w, host);
    else
        put_parsed(w, host);
    put_extras(w, host, format);
}

char *render_host(const struct p0f_addr *addr, const struct p0f_host *host, const char *sensor,
                  enum render_format format, size_t *length)
{
    char room[DOCUMENT_MAX];
    struct strbuf w = strbuf_on(room, sizeof room);

    render_host_members(&w, addr, host, format);
    if (sensor && sensor[0])
        put_text_member(&w, "sensor", sensor);
    return finish_object(&w, length);
}

/* ---- A problem */

char *render_problem(const struct render_problem *problem, size_t *length)
{
    char room[6 * RENDER_DETAIL_SIZE + DOCUMENT_MAX]; /* all \u00xx perhaps, and the rest */
    struct strbuf w = strbuf_on(room, sizeof room);

    put_name(&w, "type");
    strbuf_puts(&w, "\"urn:p0f-lookupd:");
    strbuf_puts(&w, problem->code);
    strbuf_puts(&w, "\"");
    put_text_member(&w, "title", problem->title);
    put_integer(&w, "status", problem->status);
    put_text_member(&w, "detail", problem->detail);
    if (problem->addr)
        put_address(&w, problem->addr);
    return finish_object(&w, length);
}

/* ---- The index */

char *render_index(const char *version, const struct render_path *paths, size_t count,
                   size_t *length)
{
    json_t *summaries = json_object();
    json_t *object = json_object();

    for (size_t i = 0; i < count; i++)
        object_add(&summaries, paths[i].path, json_string(paths[i].help));
    object_add(&object, "name", json_string("p0f-lookupd"));
    object_add(&object, "version", json_string(version));
    object_add(&object, "paths", summaries);
    return object_line(object, length);
}
