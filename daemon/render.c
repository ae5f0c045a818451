#include "render.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MOST 511 /* bytes of a text that is not UTF-8; all of ours are shorter */

void render_init(void)
{
    json_object_seed(0);
}

/* The bytes of the UTF-8 sequence at `in` (Unicode 15, table 3-7), or 0 when there is none. */
static size_t sequence_length(const unsigned char *in)
{
    size_t length = in[0] < 0x80 ? 1 : in[0] < 0xc2 ? 0 : in[0] < 0xe0 ? 2 : in[0] < 0xf0 ? 3 : 4;

    if (in[0] > 0xf4 || length == 0)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((in[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (in[0] == 0xe0 && in[1] < 0xa0) || (in[0] == 0xf0 && in[1] < 0x90);
    bool surrogate = in[0] == 0xed && in[1] > 0x9f;
    bool beyond = in[0] == 0xf4 && in[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : length;
}

static bool is_utf8(const char *text)
{
    const unsigned char *in = (const unsigned char *)text;

    while (*in) {
        size_t length = sequence_length(in);
        if (length == 0)
            return false;
        in += length;
    }
    return true;
}

/* p0f's texts come from signature files, and a client's method from anywhere: free bytes. */
static json_t *text_of(const char *bytes)
{
    char utf8[2 * TEXT_MOST + 1];
    char *out = utf8;

    if (is_utf8(bytes))
        return json_string_nocheck(bytes);
    for (const char *in = bytes; *in && in < bytes + TEXT_MOST; in++) {
        unsigned char byte = (unsigned char)*in;
        if (byte < 0x80) {
            *out++ = (char)byte;
        } else { /* Latin-1 is the first 256 of Unicode */
            *out++ = (char)(0xc0 | byte >> 6);
            *out++ = (char)(0x80 | (byte & 0x3f));
        }
    }
    *out = '\0';
    return json_string_nocheck(utf8);
}

static json_t *text_or_null(const char *bytes)
{
    return bytes[0] ? text_of(bytes) : json_null();
}

static json_t *integer_unless(json_int_t value, json_int_t unknown)
{
    return value == unknown ? json_null() : json_integer(value);
}

static json_t *time_or_null(uint32_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm utc;
    char text[sizeof "2106-02-07T06:28:15Z"];

    if (seconds == 0)
        return json_null();
    gmtime_r(&when, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(text);
}

/* ISO 8601 in days, hours and minutes, without zero parts; null for zero. */
static json_t *duration_or_null(uint32_t days, uint32_t minutes)
{
    char text[sizeof "P4294967295DT23H59M"];
    uint32_t hours = minutes / 60 % 24, rest = minutes % 60;
    int used;

    days += minutes / (24 * 60);
    if (days == 0 && minutes == 0)
        return json_null();
    used = snprintf(text, sizeof text, "P");
    if (days)
        used += snprintf(text + used, sizeof text - (size_t)used, "%" PRIu32 "D", days);
    if (hours || rest)
        used += snprintf(text + used, sizeof text - (size_t)used, "T");
    if (hours)
        used += snprintf(text + used, sizeof text - (size_t)used, "%" PRIu32 "H", hours);
    if (rest)
        snprintf(text + used, sizeof text - (size_t)used, "%" PRIu32 "M", rest);
    return json_string(text);
}

/* Steals `value`. A member that could not be made leaves the object short, so that is a failure. */
static void add(json_t **object, const char *name, json_t *value)
{
    if (json_object_set_new_nocheck(*object, name, value) == 0)
        return; /* of no object, it frees the value and fails */
    json_decref(*object);
    *object = NULL;
}

static void add_dialect_fields(json_t **object, const struct p0f_host *host)
{
    switch (host->dialect) {
    case P0F_DIALECT_AUTO:
    case P0F_DIALECT_P0F3:
        break;
    case P0F_DIALECT_MTU:
        add(object, "link_mtu", json_integer(host->link_mtu));
        break;
    case P0F_DIALECT_MSS:
        add(object, "mtu", json_integer(host->mtu));
        add(object, "mss", json_integer(host->mss));
        break;
    case P0F_DIALECT_API2:
        add(object, "version", json_integer(host->version));
        add(object, "last_mtu", json_integer(host->last_mtu));
        /* JSON has no infinities: those and NaN are unknown. */
        add(object, "last_freq",
            isfinite(host->last_freq) ? json_real(host->last_freq) : json_null());
        break;
    }
}

static json_t *address_text(const struct p0f_addr *addr)
{
    char text[P0F_ADDR_TEXT_SIZE];

    p0f_addr_format(addr, text);
    return json_string_nocheck(text);
}

static void add_parsed(json_t **object, const struct p0f_host *host)
{
    add(object, "first_seen", time_or_null(host->first_seen));
    add(object, "last_seen", time_or_null(host->last_seen));
    add(object, "total_conn", json_integer(host->total_conn));
    add(object, "uptime_min", integer_unless(host->uptime_min, 0));
    add(object, "uptime_sec", integer_unless((json_int_t)host->uptime_min * 60, 0));
    add(object, "uptime", duration_or_null(0, host->uptime_min));
    add(object, "up_mod_days", duration_or_null(host->up_mod_days, 0));
    add(object, "last_nat", time_or_null(host->last_nat));
    add(object, "last_chg", time_or_null(host->last_chg));
    add(object, "distance", integer_unless(host->distance, -1));
    add(object, "bad_sw", integer_unless(host->bad_sw, 0));
    add(object, "os_match_q", json_integer(host->os_match_q));
    add(object, "os_name", text_or_null(host->os_name));
    add(object, "os_flavor", text_or_null(host->os_flavor));
    add(object, "http_name", text_or_null(host->http_name));
    add(object, "http_flavor", text_or_null(host->http_flavor));
    add(object, "link_type", text_or_null(host->link_type));
    add(object, "language", text_or_null(host->language));
}

static void add_raw(json_t **object, const struct p0f_host *host)
{
    add(object, "magic", json_integer(P0F_ANSWER_MAGIC));
    add(object, "status", json_integer(P0F_STATUS_OK));
    add(object, "first_seen", json_integer(host->first_seen));
    add(object, "last_seen", json_integer(host->last_seen));
    add(object, "total_conn", json_integer(host->total_conn));
    add(object, "uptime_min", json_integer(host->uptime_min));
    add(object, "up_mod_days", json_integer(host->up_mod_days));
    add(object, "last_nat", json_integer(host->last_nat));
    add(object, "last_chg", json_integer(host->last_chg));
    add(object, "distance", json_integer(host->distance));
    add(object, "bad_sw", json_integer(host->bad_sw));
    add(object, "os_match_q", json_integer(host->os_match_q));
    add(object, "os_name", text_of(host->os_name));
    add(object, "os_flavor", text_of(host->os_flavor));
    add(object, "http_name", text_of(host->http_name));
    add(object, "http_flavor", text_of(host->http_flavor));
    add(object, "link_type", text_of(host->link_type));
    add(object, "language", text_of(host->language));
}

/* Steals `root`, NULL included. */
static char *dump_line(json_t *root, size_t *length)
{
    char line[2048]; /* any host and problem fits; a longer text is dumped a second time */
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

char *render_host(const struct p0f_addr *addr, const struct p0f_host *host,
                  enum render_format format, size_t *length)
{
    json_t *object = json_object();

    add(&object, "ip", address_text(addr));
    if (format == RENDER_RAW)
        add_raw(&object, host);
    else
        add_parsed(&object, host);
    add_dialect_fields(&object, host);
    return dump_line(object, length);
}

char *render_problem(const struct render_problem *problem, size_t *length)
{
    json_t *object = json_object();

    add(&object, "type", json_sprintf("urn:p0f-lookupd:%s", problem->code));
    add(&object, "title", json_string(problem->title));
    add(&object, "status", json_integer(problem->status));
    add(&object, "detail", text_of(problem->detail));
    if (problem->addr)
        add(&object, "ip", address_text(problem->addr));
    return dump_line(object, length);
}

char *render_index(const char *version, size_t *length)
{
    json_t *paths = json_object();
    json_t *object = json_object();

    add(&paths, "/host/{ip}",
        json_string("what p0f knows of a host; ?format=parsed|raw&wait=0..5000"));
    add(&paths, "/livez", json_string("200 while the process serves"));
    add(&object, "name", json_string("p0f-lookupd"));
    add(&object, "version", json_string(version));
    add(&object, "paths", paths);
    return dump_line(object, length);
}
