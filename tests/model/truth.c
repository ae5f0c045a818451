/* SPDX-License-Identifier: MIT */
#include "truth.h"

#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An answer that was given; its number is in total_conn. */
struct said {
    uint32_t host;
    enum p0f_dialect dialect;
    bool complete;
    struct boottime at;
    struct boottime told; /* to a visitor, for the first time; 0: to none yet */
};

struct host {
    enum truth_kind kind;
    bool known; /* of those that change */
    bool complete;
    bool denied;
    struct mono denied_at; /* last */
};

static struct {
    struct host hosts[TRUTH_HOSTS];
    struct said *said;
    uint32_t count;
    uint32_t capacity;
} truth;

void truth_start(void)
{
    for (uint32_t i = 0; i < TRUTH_HOSTS; i++)
        truth.hosts[i] = (struct host){.kind = (enum truth_kind)(i % 3)};
    truth.count = 0;
    truth_forget();
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

enum truth_kind truth_kind(uint32_t host)
{
    return truth.hosts[host].kind;
}

void truth_forget(void)
{
    for (uint32_t i = 0; i < TRUTH_HOSTS; i++) {
        truth.hosts[i].known = chance_permille(&model.chance, 500);
        truth.hosts[i].complete = chance_permille(&model.chance, 700);
    }
}

/* All fields from the host, the number and the dialect. */
static struct p0f_host host_of(uint32_t number, const struct said *said)
{
    struct p0f_addr addr = truth_addr(said->host);
    struct p0f_host host = {
        .dialect = said->dialect,
        .first_seen = said->host + 1,
        .last_seen = ~said->host,
        .total_conn = number,
        .uptime_min = said->host ^ number,
        .up_mod_days = addr.type,
        .last_nat = number * 2654435761u,
        .last_chg = said->host * 2654435761u,
        .distance = (int16_t)said->host,
        .bad_sw = (uint8_t)(said->host % 3),
        .os_match_q = (uint8_t)(number % 4),
    };

    for (unsigned i = 0; i < 16; i++)
        snprintf(host.os_flavor + 2 * i, 3, "%02x", addr.bytes[i]);
    snprintf(host.link_type, sizeof host.link_type, "of host %u", said->host);
    snprintf(host.language, sizeof host.language, "answer %u", number);
    if (said->complete) {
        snprintf(host.os_name, sizeof host.os_name, "OS %u", said->host);
        snprintf(host.http_name, sizeof host.http_name, "App %u", number);
    }
    if (said->dialect == P0F_DIALECT_MTU)
        host.link_mtu = (uint16_t)said->host;
    if (said->dialect == P0F_DIALECT_MSS) {
        host.mtu = (uint16_t)number;
        host.mss = (uint16_t)said->host;
    }
    if (said->dialect == P0F_DIALECT_API2) {
        host.version = 2;
        host.last_mtu = (uint16_t)said->host;
        host.last_freq = number;
    }
    return host;
}

static void remember(const struct said *said)
{
    if (truth.count == truth.capacity) {
        truth.capacity = truth.capacity ? 2 * truth.capacity : 1024;
        truth.said = realloc(truth.said, truth.capacity * sizeof *truth.said);
        model_check(truth.said, "no memory for the model itself");
    }
    truth.said[truth.count++] = *said;
}

static bool is_known(struct host *host)
{
    if (host->kind != TRUTH_CHANGES)
        return host->kind == TRUTH_KNOWN;
    if (chance_permille(&model.chance, 100))
        host->known = !host->known;
    return host->known;
}

struct p0f_answer truth_say(uint32_t number, enum p0f_dialect dialect)
{
    struct host *host = &truth.hosts[number];
    struct said said = {number, dialect, host->complete, model_boottime(), {0}};
    struct p0f_answer answer = {.status = P0F_STATUS_NOMATCH};

    if (!is_known(host)) {
        host->denied = true;
        host->denied_at = model.now;
        return answer;
    }
    if (chance_permille(&model.chance, 100))
        host->complete = !host->complete;
    answer.status = P0F_STATUS_OK;
    answer.host = host_of(truth.count, &said);
    remember(&said);
    return answer;
}

bool truth_denied_since(uint32_t host, struct mono since)
{
    return truth.hosts[host].denied && !mono_before(truth.hosts[host].denied_at, since);
}

struct boottime truth_told(const struct p0f_host *host)
{
    struct said *said = &truth.said[host->total_conn];

    if (said->told.ns == 0)
        said->told = model_boottime();
    return said->told;
}

static const struct said *check_said(uint32_t number, const struct p0f_host *host)
{
    model_check(host->total_conn < truth.count, "host %u: an answer that p0f never gave", number);
    const struct said *said = &truth.said[host->total_conn];
    model_check(said->host == number, "host %u: the answer of host %u", number, said->host);
    return said;
}

static void check_fields(const struct said *said, const struct p0f_host *host,
                         enum p0f_dialect dialect)
{
    uint8_t got[P0F_ANSWER_MAX], want[P0F_ANSWER_MAX];
    struct p0f_answer a = {.status = P0F_STATUS_OK, .host = *host};
    struct p0f_answer b = {.status = P0F_STATUS_OK, .host = host_of(host->total_conn, said)};
    size_t size = p0f_answer_pack(&a, dialect, got);

    p0f_answer_pack(&b, dialect, want);
    model_check(memcmp(got, want, size) == 0, "host %u: not what p0f said", said->host);
}

struct boottime truth_check(uint32_t number, const struct p0f_host *host)
{
    const struct said *said = check_said(number, host);

    model_check(said->dialect == host->dialect, "host %u: an answer read in the wrong dialect",
                number);
    check_fields(said, host, said->dialect);
    return said->at;
}

void truth_check_stock(uint32_t number, const struct p0f_host *host)
{
    check_fields(check_said(number, host), host, P0F_DIALECT_P0F3);
}
