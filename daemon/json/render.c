/* SPDX-License-Identifier: MIT */
/* Hosts and problems are written into a buffer, member by member: this runs on every miss and every
 * refusal, and building a tree of objects for it cost more than all else we do for one. What needs any
 * care, texts that are not plain and numbers that are not whole, goes through jansson, as do the small
 * documents that are rarely made. */
#include "json/render.h"

#include "core/utf8.h"
#include "json/render_private.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 511      /* bytes of a text that is not UTF-8; all of ours are shorter */
#define DOCUMENT_MAX 2048 /* six texts of 32 bytes, each perhaps \u00xx, and the rest of a host */

void render_init(void)
{
    json_object_seed(0);
}

/* p0f's texts come from signature files, and a client's method from anywhere: free bytes. */
json_t *render_text(const char *bytes)
{
    char utf8[2 * TEXT_MAX + 1];

    if (utf8_valid(bytes))
        return json_string_nocheck(bytes);
    utf8_from_latin1(bytes, utf8, sizeof utf8);
    return json_string_nocheck(utf8);
}

/* ---- Member by member */

struct writer {
    size_t used;
    bool failed; /* no memory, or no room */
    char text[DOCUMENT_MAX];
};

static void start(struct writer *w)
{
    w->used = 0;
    w->failed = false;
}

static void writer_put(struct writer *w, const char *bytes, size_t length)
{
    if (length > sizeof w->text - w->used) {
        w->failed = true;
        return;
    }
    memcpy(w->text + w->used, bytes, length);
    w->used += length;
}

static void put_string(struct writer *w, const char *text)
{
    writer_put(w, text, strlen(text));
}

static void writer_put_number(struct writer *w, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--at] = '-';
    writer_put(w, digits + at, sizeof digits - at);
}

/* Steals `value`, NULL included. */
static void put_json(struct writer *w, json_t *value)
{
    size_t room = sizeof w->text - w->used;
    size_t size = value ? json_dumpb(value, w->text + w->used, room, JSON_ENCODE_ANY) : 0;

    if (size == 0 || size > room)
        w->failed = true;
    else
        w->used += size;
    json_decref(value);
}

/* `name` is ours: it needs no escaping. */
static void put_name(struct writer *w, const char *name)
{
    put_string(w, w->used == 0 ? "{\"" : ",\"");
    put_string(w, name);
    put_string(w, "\":");
}

static void put_integer(struct writer *w, const char *name, int64_t value)
{
    put_name(w, name);
    writer_put_number(w, value);
}

static void put_integer_unless(struct writer *w, const char *name, int64_t value, int64_t unknown)
{
    put_name(w, name);
    if (value == unknown)
        put_string(w, "null");
    else
        writer_put_number(w, value);
}

/* Of what JSON holds as it is; nearly all of p0f's signatures are. */
static bool is_plain_text(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
            return false;
    return true;
}

static void writer_put_text(struct writer *w, const char *name, const char *bytes)
{
    put_name(w, name);
    if (!is_plain_text(bytes)) {
        put_json(w, render_text(bytes));
        return;
    }
    put_string(w, "\"");
    put_string(w, bytes);
    put_string(w, "\"");
}

static void put_text_or_null(struct writer *w, const char *name, const char *bytes)
{
    if (bytes[0]) {
        writer_put_text(w, name, bytes);
        return;
    }
    put_name(w, name);
    put_string(w, "null");
}

static void put_address(struct writer *w, const struct p0f_addr *addr)
{
    char ip[P0F_ADDR_TEXT_SIZE];

    p0f_addr_format(addr, ip);
    writer_put_text(w, "ip", ip);
}

/* The object as one line; NULL when it has failed. */
static char *writer_finish(struct writer *w, size_t *length)
{
    writer_put(w, "}\n", sizeof "}\n"); /* with its NUL */
    char *text = w->failed ? NULL : malloc(w->used);
    if (text) {
        memcpy(text, w->text, w->used);
        *length = w->used - 1;
    }
    return text;
}

/* ---- A host */

static void put_two_digits(struct writer *w, uint32_t value, const char *after)
{
    char digits[2] = {(char)('0' + value / 10), (char)('0' + value % 10)};

    writer_put(w, digits, 2);
    put_string(w, after);
}

/* RFC 3339 in UTC. The date is reckoned in years that begin in March, so that the leap day comes
 * last, and in eras of 400 years (Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static void put_time_or_null(struct writer *w, const char *name, uint32_t seconds)
{
    uint32_t days = seconds / 86400 + 719468, rest = seconds % 86400;
    uint32_t era = days / 146097, day_of_era = days % 146097;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month = (5 * day_of_year + 2) / 153; /* from March */
    uint32_t day = day_of_year - (153 * month + 2) / 5 + 1;

    put_name(w, name);
    if (seconds == 0) {
        put_string(w, "null");
        return;
    }
    put_string(w, "\"");
    writer_put_number(w, era * 400 + year_of_era + (month >= 10)); /* four digits until 2106 */
    put_string(w, "-");
    put_two_digits(w, month < 10 ? month + 3 : month - 9, "-");
    put_two_digits(w, day, "T");
    put_two_digits(w, rest / 3600, ":");
    put_two_digits(w, rest / 60 % 60, ":");
    put_two_digits(w, rest % 60, "Z\"");
}

/* ISO 8601 in days, hours and minutes, without zero parts; null for zero. */
static void put_duration_or_null(struct writer *w, const char *name, uint32_t days,
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

    put_name(w, name);
    if (days == 0 && minutes == 0) {
        put_string(w, "null");
        return;
    }
    put_string(w, "\"P");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].value == 0)
            continue;
        put_string(w, parts[i].before);
        writer_put_number(w, parts[i].value);
        put_string(w, parts[i].after);
    }
    put_string(w, "\"");
}

static void put_dialect_fields(struct writer *w, const struct p0f_host *host)
{
    switch (host->dialect) {
    case P0F_DIALECT_AUTO:
    case P0F_DIALECT_P0F3:
        break;
    case P0F_DIALECT_MTU:
        put_integer(w, "link_mtu", host->link_mtu);
        break;
    case P0F_DIALECT_MSS:
        put_integer(w, "mtu", host->mtu);
        put_integer(w, "mss", host->mss);
        break;
    case P0F_DIALECT_API2:
        put_integer(w, "version", host->version);
        put_integer(w, "last_mtu", host->last_mtu);
        put_name(w, "last_freq"); /* JSON has no infinities: those and NaN are unknown */
        put_json(w, isfinite(host->last_freq) ? json_real(host->last_freq) : json_null());
        break;
    }
}

static void put_parsed(struct writer *w, const struct p0f_host *host)
{
    put_time_or_null(w, "first_seen", host->first_seen);
    put_time_or_null(w, "last_seen", host->last_seen);
    put_integer(w, "total_conn", host->total_conn);
    put_integer_unless(w, "uptime_min", host->uptime_min, 0);
    put_integer_unless(w, "uptime_sec", (int64_t)host->uptime_min * 60, 0);
    put_duration_or_null(w, "uptime", 0, host->uptime_min);
    put_duration_or_null(w, "up_mod_days", host->up_mod_days, 0);
    put_time_or_null(w, "last_nat", host->last_nat);
    put_time_or_null(w, "last_chg", host->last_chg);
    put_integer_unless(w, "distance", host->distance, -1);
    put_integer_unless(w, "bad_sw", host->bad_sw, 0);
    put_integer(w, "os_match_q", host->os_match_q);
    put_text_or_null(w, "os_name", host->os_name);
    put_text_or_null(w, "os_flavor", host->os_flavor);
    put_text_or_null(w, "http_name", host->http_name);
    put_text_or_null(w, "http_flavor", host->http_flavor);
    put_text_or_null(w, "link_type", host->link_type);
    put_text_or_null(w, "language", host->language);
}

static void put_raw(struct writer *w, const struct p0f_host *host)
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
    writer_put_text(w, "os_name", host->os_name);
    writer_put_text(w, "os_flavor", host->os_flavor);
    writer_put_text(w, "http_name", host->http_name);
    writer_put_text(w, "http_flavor", host->http_flavor);
    writer_put_text(w, "link_type", host->link_type);
    writer_put_text(w, "language", host->language);
}

char *render_host(const struct p0f_addr *addr, const struct p0f_host *host,
                  enum render_format format, size_t *length)
{
    struct writer w;

    start(&w);
    put_address(&w, addr);
    if (format == RENDER_RAW)
        put_raw(&w, host);
    else
        put_parsed(&w, host);
    put_dialect_fields(&w, host);
    return writer_finish(&w, length);
}

/* ---- A problem */

char *render_problem(const struct render_problem *problem, size_t *length)
{
    struct writer w;

    start(&w);
    put_name(&w, "type");
    put_string(&w, "\"urn:p0f-lookupd:");
    put_string(&w, problem->code);
    put_string(&w, "\"");
    writer_put_text(&w, "title", problem->title);
    put_integer(&w, "status", problem->status);
    writer_put_text(&w, "detail", problem->detail);
    if (problem->addr)
        put_address(&w, problem->addr);
    return writer_finish(&w, length);
}

/* ---- Small documents */

/* Steals `value`. A member that could not be made leaves the object short, so that is a failure. */
void render_add(json_t **object, const char *name, json_t *value)
{
    if (json_object_set_new_nocheck(*object, name, value) == 0)
        return; /* of no object, it frees the value and fails */
    json_decref(*object);
    *object = NULL;
}

/* Steals `root`, NULL included. */
char *render_line(json_t *root, size_t *length)
{
    char line[2048]; /* a longer text is dumped a second time */
    size_t size = root ? json_dumpb(root, line, sizeof line, JSON_COMPACT) : 0;
    char *text = size > 0 ? malloc(size + 2) : NULL;

    if (text) {
        if (size <= sizeof line)
            memcpy(text, line, size);
        else
            json_dumpb(root, text, size, JSON_COMPACT);
        text[size] = '\n';
        text[size + 1] = '\0';
        *length = size + 1;
    }
    json_decref(root);
    return text;
}

char *render_index(const char *version, const struct render_path *paths, size_t count,
                   size_t *length)
{
    json_t *meanings = json_object();
    json_t *object = json_object();

    for (size_t i = 0; i < count; i++)
        render_add(&meanings, paths[i].path, json_string(paths[i].help));
    render_add(&object, "name", json_string("p0f-lookupd"));
    render_add(&object, "version", json_string(version));
    render_add(&object, "paths", meanings);
    return render_line(object, length);
}
