/* SPDX-License-Identifier: MIT */
/* Each miss reads values, and jansson is too slow for that: creating and freeing its objects takes several times
 * as long as all that is done here. */
#include "json/shared_host.h"

#include "core/sensor_name.h"
#include "core/strbuf.h"
#include "core/utf8.h"
#include "json/render_private.h"
#include "json/scan.h"

#include <string.h>

#define NESTING_MAX 8 /* of unknown members */

size_t shared_host_write(const struct p0f_addr *addr, const struct p0f_host *host,
                         const char *sensor, int64_t observed_at, char value[SHARED_HOST_MAX])
{
    struct strbuf w = strbuf_on(value, SHARED_HOST_MAX);

    if (p0f_host_check(host) != P0F_OK)
        return 0;
    render_host_members(&w, addr, host, RENDER_RAW);
    strbuf_puts(&w, ",\"sensor\":\"");
    strbuf_puts(&w, sensor);
    strbuf_puts(&w, "\",\"observed_at\":");
    strbuf_put_number(&w, observed_at);
    strbuf_puts(&w, "}");
    return w.failed ? 0 : w.used;
}

/* ---- Reading */

enum member_type {
    TYPE_U8, /* integers, by what they fit into */
    TYPE_U16,
    TYPE_I16,
    TYPE_U32,
    TYPE_TIME,  /* perhaps with a fraction of a second, which is dropped */
    TYPE_MAGIC, /* these two are constants, which are not kept */
    TYPE_STATUS,
    TYPE_IP,
    TYPE_REAL, /* or null: JSON has no infinities and no NaN */
    TYPE_TEXT,
    TYPE_SENSOR,
};

#define MEMBER(name, type, offset)                                                                 \
    {                                                                                              \
        name, "\"" name "\":", type, offset                                                        \
    }
#define OF_HOST(name, type) MEMBER(#name, type, offsetof(struct shared_host, host.name))

/* In the order in which they are written. */
static const struct member {
    const char *name;
    const char *written;
    enum member_type type;
    size_t offset; /* in struct shared_host */
} members[] = {
    MEMBER("ip", TYPE_IP, 0),
    MEMBER("magic", TYPE_MAGIC, 0),
    MEMBER("status", TYPE_STATUS, 0),
    OF_HOST(first_seen, TYPE_U32),
    OF_HOST(last_seen, TYPE_U32),
    OF_HOST(total_conn, TYPE_U32),
    OF_HOST(uptime_min, TYPE_U32),
    OF_HOST(up_mod_days, TYPE_U32),
    OF_HOST(last_nat, TYPE_U32),
    OF_HOST(last_chg, TYPE_U32),
    OF_HOST(distance, TYPE_I16),
    OF_HOST(bad_sw, TYPE_U8),
    OF_HOST(os_match_q, TYPE_U8),
    OF_HOST(os_name, TYPE_TEXT),
    OF_HOST(os_flavor, TYPE_TEXT),
    OF_HOST(http_name, TYPE_TEXT),
    OF_HOST(http_flavor, TYPE_TEXT),
    OF_HOST(link_type, TYPE_TEXT),
    OF_HOST(language, TYPE_TEXT),
    MEMBER("sensor", TYPE_SENSOR, offsetof(struct shared_host, sensor)),
    MEMBER("observed_at", TYPE_TIME, offsetof(struct shared_host, observed_at)),
/* The extra fields of dialects follow. */
#define REQUIRED 21
    OF_HOST(link_mtu, TYPE_U16),
    OF_HOST(mtu, TYPE_U16),
    OF_HOST(mss, TYPE_U16),
    OF_HOST(version, TYPE_U8),
    OF_HOST(last_mtu, TYPE_U16),
    OF_HOST(last_freq, TYPE_REAL),
};

#define MEMBERS (sizeof members / sizeof members[0])

/* Finds the dialect with these extra fields, one bit each; false if there is none. */
static bool read_dialect(uint32_t extras, enum p0f_dialect *dialect)
{
    static const struct {
        uint32_t extras;
        enum p0f_dialect dialect;
    } dialects[] = {{0, P0F_DIALECT_P0F3},     /* or P0F_DIALECT_SIG, which is the same to us */
                    {0x01, P0F_DIALECT_MTU},   /* link_mtu */
                    {0x06, P0F_DIALECT_MSS},   /* mtu, mss */
                    {0x38, P0F_DIALECT_API2}}; /* version, last_mtu, last_freq */

    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
        *dialect = dialects[i].dialect;
        if (dialects[i].extras == extras)
            return true;
    }
    return false;
}

static bool read_integer(struct scan *scan, enum member_type type, void *out)
{
    static const struct {
        int64_t min, max;
    } ranges[] = {
        [TYPE_U8] = {0, UINT8_MAX},
        [TYPE_U16] = {0, UINT16_MAX},
        [TYPE_I16] = {INT16_MIN, INT16_MAX},
        [TYPE_U32] = {0, UINT32_MAX},
        [TYPE_MAGIC] = {P0F_ANSWER_MAGIC, P0F_ANSWER_MAGIC},
        [TYPE_STATUS] = {P0F_STATUS_OK, P0F_STATUS_OK},
    };
    int64_t value;

    if (!scan_integer(scan, ranges[type].min, ranges[type].max, &value))
        return false;
    if (type == TYPE_U8)
        *(uint8_t *)out = (uint8_t)value;
    else if (type == TYPE_U16)
        *(uint16_t *)out = (uint16_t)value;
    else if (type == TYPE_I16)
        *(int16_t *)out = (int16_t)value;
    else if (type == TYPE_U32)
        *(uint32_t *)out = (uint32_t)value;
    return true;
}

static bool read_time(struct scan *scan, int64_t *seconds)
{
    const struct scan begin = *scan;
    double real;

    if (scan_integer(scan, 0, INT64_MAX, seconds))
        return true;
    *scan = begin;
    if (!scan_real_or_null(scan, &real) || !(real >= 0 && real < 1e18))
        return false;
    *seconds = (int64_t)real;
    return true;
}

static bool read_ip(struct scan *scan, const struct p0f_addr *expected)
{
    const char *text = scan_string(scan);
    struct p0f_addr addr;

    return text && p0f_addr_parse(text, strlen(text), &addr) == P0F_OK &&
           memcmp(&addr, expected, sizeof addr) == 0;
}

/* p0f's strings have at most 32 bytes: a longer one was converted from Latin-1. If the Latin-1 is valid UTF-8, it
 * was not, since that is written unchanged. */
static bool read_host_text(struct scan *scan, char out[P0F_TEXT_SIZE])
{
    const char *text = scan_string(scan);
    size_t length = text ? strlen(text) : 0;

    if (length >= P0F_TEXT_SIZE)
        return utf8_to_latin1(text, out, P0F_TEXT_SIZE) && !utf8_valid(out);
    if (text)
        memcpy(out, text, length + 1);
    return text;
}

static bool read_sensor(struct scan *scan, char out[SHARED_HOST_SENSOR_SIZE])
{
    const char *name = scan_string(scan);

    if (!name || strlen(name) >= SHARED_HOST_SENSOR_SIZE ||
        !sensor_name_valid_in_answer(span_of(name)))
        return false;
    strcpy(out, name);
    return true;
}

static bool read_member(struct scan *scan, const struct member *member, const struct p0f_addr *addr,
                        struct shared_host *shared)
{
    void *out = (char *)shared + member->offset;

    switch (member->type) {
    case TYPE_IP:
        return read_ip(scan, addr);
    case TYPE_TIME:
        return read_time(scan, out);
    case TYPE_REAL:
        return scan_real_or_null(scan, out);
    case TYPE_TEXT:
        return read_host_text(scan, out);
    case TYPE_SENSOR:
        return read_sensor(scan, out);
    default:
        return read_integer(scan, member->type, out);
    }
}

/* NULL if it is unknown. */
static const struct member *find_member(const char *name)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

/* Reads a name and its colon. The name is most likely that of `next`, written as we do, and then not decoded.
 * *member is NULL if the name is unknown. */
static bool read_member_name(struct scan *scan, size_t next, const struct member **member)
{
    *member = &members[next % MEMBERS];
    if (scan_word(scan, (*member)->written))
        return true;
    const char *name = scan_string(scan);
    if (!name || !scan_mark(scan, ':'))
        return false;
    *member = find_member(name);
    return true;
}

/* Sets a bit of *seen for each known member. */
static bool read_members(struct scan *scan, const struct p0f_addr *addr, struct shared_host *shared,
                         uint32_t *seen)
{
    size_t next = 0;

    if (!scan_mark(scan, '{'))
        return false;
    do {
        const struct member *member;
        if (!read_member_name(scan, next, &member))
            return false;
        if (!member) {
            if (!scan_any(scan, NESTING_MAX))
                return false;
            continue;
        }
        uint32_t bit = UINT32_C(1) << (member - members);
        if ((*seen & bit) || !read_member(scan, member, addr, shared))
            return false;
        *seen |= bit;
        next = (size_t)(member - members) + 1;
    } while (scan_mark(scan, ','));
    return scan_mark(scan, '}') && scan_end(scan);
}

bool shared_host_read(const char *value, size_t length, const struct p0f_addr *addr,
                      struct shared_host *shared)
{
    const uint32_t required = (UINT32_C(1) << REQUIRED) - 1;
    char text[SHARED_HOST_MAX + 1];
    struct scan scan = {text};
    uint32_t seen = 0;

    if (length > SHARED_HOST_MAX || memchr(value, '\0', length))
        return false;
    memcpy(text, value, length);
    text[length] = '\0';
    memset(shared, 0, sizeof *shared);
    return read_members(&scan, addr, shared, &seen) && (seen & required) == required &&
           read_dialect(seen >> REQUIRED, &shared->host.dialect) &&
           p0f_host_check(&shared->host) == P0F_OK;
}
