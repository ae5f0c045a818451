/* SPDX-License-Identifier: MIT */
/* The wire format of p0f's API: pack and unpack, one field a line. Pure.
 *
 * Both directions go through the same list of fields with a cursor, so that the dialects differ only in
 * which lines apply. Numbers are in host byte order, since p0f writes its structs as they are. */
#include "p0fclient.h"
#include "resync.h"

#include <string.h>

#define TEXT_BYTES 32
#define SIGNATURE_BYTES 512 /* u64 actual_sig[64] */

static const struct {
    const char *name;
    size_t size;
} dialects[] = {
    [P0F_DIALECT_AUTO] = {"auto", 0},   [P0F_DIALECT_P0F3] = {"p0f3", 232},
    [P0F_DIALECT_MTU] = {"mtu", 234},   [P0F_DIALECT_MSS] = {"mss", 236},
    [P0F_DIALECT_API2] = {"api2", 243}, [P0F_DIALECT_SIG] = {"sig", 744},
};

/* Whatever number a caller takes for a dialect. */
static bool exists(enum p0f_dialect dialect)
{
    return (unsigned)dialect < sizeof dialects / sizeof dialects[0];
}

const char *p0f_dialect_name(enum p0f_dialect dialect)
{
    return exists(dialect) ? dialects[dialect].name : "unknown";
}

size_t p0f_answer_size(enum p0f_dialect dialect)
{
    return exists(dialect) ? dialects[dialect].size : 0;
}

static void put_field(uint8_t **out, const void *value, size_t size)
{
    memcpy(*out, value, size);
    *out += size;
}

static void get(const uint8_t **in, void *value, size_t size)
{
    memcpy(value, *in, size);
    *in += size;
}

/* As p0f does: strncpy() into the full width, so that 32 bytes of text have no NUL. */
static void put_text_field(uint8_t **out, const char text[P0F_TEXT_SIZE])
{
    size_t length = strnlen(text, TEXT_BYTES);

    memcpy(*out, text, length);
    memset(*out + length, 0, TEXT_BYTES - length);
    *out += TEXT_BYTES;
}

static void get_text(const uint8_t **in, char text[P0F_TEXT_SIZE])
{
    size_t length = strnlen((const char *)*in, TEXT_BYTES);

    memcpy(text, *in, length);
    memset(text + length, 0, P0F_TEXT_SIZE - length);
    *in += TEXT_BYTES;
}

void p0f_query_pack(const struct p0f_addr *addr, uint8_t out[P0F_QUERY_SIZE])
{
    const uint32_t magic = P0F_QUERY_MAGIC;

    put_field(&out, &magic, 4);
    put_field(&out, &addr->type, 1);
    put_field(&out, addr->bytes, 16);
}

bool p0f_query_unpack(const uint8_t in[P0F_QUERY_SIZE], struct p0f_addr *addr)
{
    uint32_t magic;

    get(&in, &magic, 4);
    get(&in, &addr->type, 1);
    get(&in, addr->bytes, 16);
    return magic == P0F_QUERY_MAGIC && (addr->type == 4 || addr->type == 6);
}

size_t p0f_answer_pack(const struct p0f_answer *answer, enum p0f_dialect dialect,
                       uint8_t out[P0F_ANSWER_MAX])
{
    const struct p0f_host *host = &answer->host;
    const uint32_t magic = P0F_ANSWER_MAGIC;
    uint8_t *start = out;

    if (p0f_answer_size(dialect) == 0)
        return 0;
    put_field(&out, &magic, 4);
    put_field(&out, &answer->status, 4);
    if (dialect == P0F_DIALECT_API2) {
        put_field(&out, &host->version, 1);
        put_field(&out, &host->last_mtu, 2);
        put_field(&out, &host->last_freq, 8);
    }
    put_field(&out, &host->first_seen, 4);
    put_field(&out, &host->last_seen, 4);
    put_field(&out, &host->total_conn, 4);
    put_field(&out, &host->uptime_min, 4);
    put_field(&out, &host->up_mod_days, 4);
    put_field(&out, &host->last_nat, 4);
    put_field(&out, &host->last_chg, 4);
    put_field(&out, &host->distance, 2);
    put_field(&out, &host->bad_sw, 1);
    put_field(&out, &host->os_match_q, 1);
    put_text_field(&out, host->os_name);
    put_text_field(&out, host->os_flavor);
    put_text_field(&out, host->http_name);
    put_text_field(&out, host->http_flavor);
    if (dialect == P0F_DIALECT_MTU)
        put_field(&out, &host->link_mtu, 2);
    if (dialect == P0F_DIALECT_MSS) {
        put_field(&out, &host->mtu, 2);
        put_field(&out, &host->mss, 2);
    }
    put_text_field(&out, host->link_type);
    put_text_field(&out, host->language);
    if (dialect == P0F_DIALECT_SIG) {
        memset(out, 0, SIGNATURE_BYTES);
        out += SIGNATURE_BYTES;
    }
    return (size_t)(out - start);
}

static void get_host(const uint8_t *in, enum p0f_dialect dialect, struct p0f_host *host)
{
    memset(host, 0, sizeof *host);
    host->dialect = dialect;
    if (dialect == P0F_DIALECT_API2) {
        get(&in, &host->version, 1);
        get(&in, &host->last_mtu, 2);
        get(&in, &host->last_freq, 8);
    }
    get(&in, &host->first_seen, 4);
    get(&in, &host->last_seen, 4);
    get(&in, &host->total_conn, 4);
    get(&in, &host->uptime_min, 4);
    get(&in, &host->up_mod_days, 4);
    get(&in, &host->last_nat, 4);
    get(&in, &host->last_chg, 4);
    get(&in, &host->distance, 2);
    get(&in, &host->bad_sw, 1);
    get(&in, &host->os_match_q, 1);
    get_text(&in, host->os_name);
    get_text(&in, host->os_flavor);
    get_text(&in, host->http_name);
    get_text(&in, host->http_flavor);
    if (dialect == P0F_DIALECT_MTU)
        get(&in, &host->link_mtu, 2);
    if (dialect == P0F_DIALECT_MSS) {
        get(&in, &host->mtu, 2);
        get(&in, &host->mss, 2);
    }
    get_text(&in, host->link_type);
    get_text(&in, host->language);
}

static bool is_magic(const uint8_t *in)
{
    const uint32_t magic = P0F_ANSWER_MAGIC;

    return memcmp(in, &magic, sizeof magic) == 0;
}

int p0f_answer_unpack(const uint8_t *in, size_t length, enum p0f_dialect dialect,
                      struct p0f_answer *answer)
{
    size_t size = p0f_answer_size(dialect);
    uint32_t status;

    if (size == 0 || (length >= 4 && !is_magic(in)))
        return -1;
    if (length < 8)
        return 0;
    memcpy(&status, in + 4, sizeof status);
    if (status != P0F_STATUS_BADQUERY && status != P0F_STATUS_OK && status != P0F_STATUS_NOMATCH)
        return -1;
    if (length < size)
        return 0;
    answer->status = status;
    get_host(in + 8, dialect, &answer->host);
    return (int)size;
}

int p0f_dialect_detect(const uint8_t *in, size_t length, enum p0f_dialect *dialect)
{
    if (length >= 4 && !is_magic(in))
        return -1;
    size_t size = p0f_resync_measure(in, length);
    if (size >= length)
        return length < p0f_answer_size(P0F_DIALECT_SIG) + 4 ? 0 : -1;
    for (enum p0f_dialect d = P0F_DIALECT_P0F3; d <= P0F_DIALECT_SIG; d++) {
        if (p0f_answer_size(d) == size) {
            *dialect = d;
            return 1;
        }
    }
    return -1;
}

enum p0f_error p0f_host_check(const struct p0f_host *host)
{
    if (!host)
        return P0F_INVALID;
    return host->bad_sw <= 2 && host->os_match_q <= 3 ? P0F_OK : P0F_OUT_OF_RANGE;
}
