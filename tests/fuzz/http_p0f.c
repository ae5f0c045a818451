/* SPDX-License-Identifier: MIT */
#include "http_p0f.h"

#include "../support/c/fake_p0f.h"
#include "holds.h"

#include <errno.h>
#include <string.h>

static struct fake_p0f p0f;
static enum http_p0f_fault next_fault; /* HTTP_P0F_FAULTS: none */
static bool stalled;

const char *http_p0f_start(void)
{
    HOLDS(fake_p0f_open(&p0f, NULL, HTTP_P0F_DESCRIPTORS - 1));
    HOLDS(fake_p0f_socket_listen(&p0f.socket));
    http_p0f_behave();
    return p0f.socket.path;
}

void http_p0f_end(void)
{
    fake_p0f_close(&p0f);
}

/* ---- What it knows */

bool http_p0f_knows(const struct p0f_addr *addr)
{
    static const uint8_t documentation[] = {0x20, 0x01, 0x0d, 0xb8};

    return fake_p0f_knows(addr) ||
           (addr->type == 6 && memcmp(addr->bytes, documentation, sizeof documentation) == 0);
}

uint32_t http_p0f_total(const struct p0f_addr *addr)
{
    uint32_t total = 2166136261u; /* FNV-1a */

    for (int i = 0; i < 16; i++)
        total = (total ^ addr->bytes[i]) * 16777619u;
    return total;
}

/* The last byte of the address says which kind of host. */
static void describe(const struct p0f_addr *addr, struct p0f_host *host)
{
    uint8_t kind = addr->bytes[addr->type == 4 ? 3 : 15];

    *host = (struct p0f_host){
        .first_seen = 1700000000,
        .last_seen = 1700000000u + kind,
        .total_conn = http_p0f_total(addr),
        .distance = kind,
    };
    if (kind % 4 != 0) {
        strcpy(host->os_name, "Linux");
        strcpy(host->os_flavor, "3.11 and newer");
        strcpy(host->link_type, "Ethernet or modem");
    }
    if (kind % 8 == 2) { /* nothing in them is ASCII, and no NUL ends them on the wire */
        memset(host->os_name, 0xe9, 32);
        memset(host->language, 0x80 + kind / 8, 32);
        memset(host->http_name, '"', 32);
        memset(host->http_flavor, '\\', 32);
    }
    if (kind % 8 == 3) {
        host->uptime_min = UINT32_MAX;
        host->up_mod_days = host->last_nat = host->last_chg = UINT32_MAX;
    }
    if (kind % 8 == 5)
        host->bad_sw = 3; /* out of range */
    if (kind % 8 == 6)
        host->os_match_q = 3;
}

static void answer_for(const struct p0f_addr *addr, struct p0f_answer *answer)
{
    *answer = fake_p0f_no_match(addr);
    if (!http_p0f_knows(addr))
        return;
    answer->status = P0F_STATUS_OK;
    describe(addr, &answer->host);
}

/* ---- Its work */

/* The daemon has closed: all of it, and when nothing was outstanding. */
static void expect_clean_close(struct fake_p0f_client *client)
{
    struct pollfd end = {.fd = client->fd, .events = POLLRDHUP};

    HOLDS(!fake_p0f_has_outstanding(client));
    HOLDS(poll(&end, 1, 0) == 1 && (end.revents & POLLHUP));
    fake_p0f_hang_up(client);
}

static bool read_queries(struct fake_p0f_client *client)
{
    unsigned before = client->count;

    switch (fake_p0f_read(client, FAKE_P0F_QUERIES_MAX)) {
    case FAKE_P0F_IDLE:
        return false;
    case FAKE_P0F_GOT:
        HOLDS(client->length == 0); /* it sends whole queries */
        for (unsigned i = before; i < client->count; i++)
            HOLDS(client->outstanding[i].type != 0);
        break;
    case FAKE_P0F_CLOSED:
    case FAKE_P0F_FAILED: /* it has closed with answers unread */
        expect_clean_close(client);
    }
    return true;
}

static void answer_first(struct fake_p0f_client *client)
{
    bool probe = client->answered < FAKE_P0F_PROBES;
    enum http_p0f_fault fault = probe ? HTTP_P0F_FAULTS : next_fault;
    struct p0f_answer answer;

    answer_for(&client->outstanding[0], &answer);
    uint8_t *bytes = fake_p0f_answer(client, &answer, P0F_DIALECT_P0F3);
    stalled = stalled || fault == HTTP_P0F_BAD_AND_STALL;
    if (fault == HTTP_P0F_BAD_MAGIC || fault == HTTP_P0F_BAD_AND_STALL)
        fake_p0f_spoil(bytes, FAKE_P0F_BAD_MAGIC);
    if (fault == HTTP_P0F_BAD_STATUS)
        fake_p0f_spoil(bytes, FAKE_P0F_BAD_STATUS);
    if (fault == HTTP_P0F_CUT)
        client->out_length /= 2;
    if (fault != HTTP_P0F_FAULTS)
        next_fault = HTTP_P0F_FAULTS;
    HOLDS(fake_p0f_write(client, SIZE_MAX) > 0 && client->out_length == 0);
    if (fault == HTTP_P0F_CUT)
        fake_p0f_hang_up(client);
}

static bool serve(struct fake_p0f_client *client)
{
    bool any = read_queries(client);

    /* One in a round, as p0f does. */
    if (client->fd < 0 || client->count == 0 || (stalled && client->answered >= FAKE_P0F_PROBES))
        return any;
    answer_first(client);
    return true;
}

bool http_p0f_round(void)
{
    bool any = fake_p0f_accept(&p0f, p0f.slots) != NULL;

    for (unsigned i = 0; i < p0f.slots; i++)
        if (p0f.clients[i].fd >= 0)
            any = serve(&p0f.clients[i]) || any;
    return any;
}

nfds_t http_p0f_watch(struct pollfd watched[HTTP_P0F_DESCRIPTORS])
{
    return fake_p0f_watch(&p0f, watched);
}

void http_p0f_fault(enum http_p0f_fault fault)
{
    switch (fault) {
    case HTTP_P0F_HANG_UP:
        for (unsigned i = 0; i < p0f.slots; i++)
            if (p0f.clients[i].fd >= 0)
                fake_p0f_hang_up(&p0f.clients[i]);
        break;
    case HTTP_P0F_STALL:
    case HTTP_P0F_GO_ON:
        stalled = fault == HTTP_P0F_STALL;
        break;
    case HTTP_P0F_BAD_MAGIC:
    case HTTP_P0F_BAD_STATUS:
    case HTTP_P0F_CUT:
    case HTTP_P0F_BAD_AND_STALL:
    case HTTP_P0F_FAULTS:
        next_fault = fault;
        break;
    }
}

void http_p0f_behave(void)
{
    next_fault = HTTP_P0F_FAULTS;
    stalled = false;
}

unsigned http_p0f_at_rest(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < p0f.slots; i++)
        count += p0f.clients[i].fd >= 0 && p0f.clients[i].answered >= FAKE_P0F_PROBES &&
                 !fake_p0f_has_outstanding(&p0f.clients[i]);
    return count;
}
