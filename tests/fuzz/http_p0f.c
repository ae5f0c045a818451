/* SPDX-License-Identifier: MIT */
#include "http_p0f.h"

#include "holds.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS (HTTP_P0F_DESCRIPTORS - 1)
#define PROBES 2u
#define LINE 128u

struct client {
    int fd; /* -1: none */
    unsigned answered;
    unsigned count;
    struct p0f_addr owed[LINE];
};

static struct {
    char dir[32];
    struct sockaddr_un name;
    int listener;
    struct client clients[CLIENTS];
    enum http_p0f_fault next; /* HTTP_P0F_FAULTS: none */
    bool stalled;
} p0f;

const char *http_p0f_start(void)
{
    strcpy(p0f.dir, "/tmp/p0f-fuzz-XXXXXX");
    HOLDS(mkdtemp(p0f.dir));
    p0f.name.sun_family = AF_UNIX;
    strcat(strcpy(p0f.name.sun_path, p0f.dir), "/p0f.sock");
    p0f.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    HOLDS(bind(p0f.listener, (const struct sockaddr *)&p0f.name, sizeof p0f.name) == 0);
    HOLDS(listen(p0f.listener, CLIENTS) == 0);
    for (unsigned i = 0; i < CLIENTS; i++)
        p0f.clients[i].fd = -1;
    http_p0f_behave();
    return p0f.name.sun_path;
}

void http_p0f_end(void)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        if (p0f.clients[i].fd >= 0)
            close(p0f.clients[i].fd);
    close(p0f.listener);
    unlink(p0f.name.sun_path);
    rmdir(p0f.dir);
}

/* ---- What it knows */

bool http_p0f_knows(const struct p0f_addr *addr)
{
    static const uint8_t documentation[] = {0x20, 0x01, 0x0d, 0xb8};

    return addr->type == 4 ? addr->bytes[0] == 10 : memcmp(addr->bytes, documentation, 4) == 0;
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
        .distance = (int16_t)(kind - 1),
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
    *answer = (struct p0f_answer){.status = P0F_STATUS_NOMATCH};
    if (!http_p0f_knows(addr))
        return;
    answer->status = P0F_STATUS_OK;
    describe(addr, &answer->host);
}

/* ---- Its work */

static void hang_up(struct client *client)
{
    close(client->fd);
    *client = (struct client){.fd = -1};
}

/* The daemon has closed: all of it, and owed nothing. */
static void see_close(struct client *client)
{
    struct pollfd end = {.fd = client->fd, .events = POLLRDHUP};

    HOLDS(client->count == 0);
    HOLDS(poll(&end, 1, 0) == 1 && (end.revents & POLLHUP));
    hang_up(client);
}

static bool read_queries(struct client *client)
{
    uint8_t query[P0F_QUERY_SIZE];
    bool any = false;

    while (client->count < LINE) {
        ssize_t got = recv(client->fd, query, sizeof query, 0);
        if (got < 0 && errno == EAGAIN)
            break;
        any = true;
        if (got <= 0) {
            see_close(client);
            break;
        }
        HOLDS(got == sizeof query); /* it sends whole ones at once */
        HOLDS(p0f_query_unpack(query, &client->owed[client->count]));
        client->count++;
    }
    return any;
}

static void answer_first(struct client *client)
{
    const uint32_t no_magic = P0F_QUERY_MAGIC, no_status = 0x30;
    bool probe = client->answered < PROBES;
    enum http_p0f_fault fault = probe ? HTTP_P0F_FAULTS : p0f.next;
    struct p0f_answer answer;
    uint8_t bytes[P0F_ANSWER_MAX];

    answer_for(&client->owed[0], &answer);
    size_t size = p0f_answer_pack(&answer, P0F_DIALECT_P0F3, bytes);
    p0f.stalled = p0f.stalled || fault == HTTP_P0F_BAD_AND_STALL;
    if (fault == HTTP_P0F_BAD_MAGIC || fault == HTTP_P0F_BAD_AND_STALL)
        memcpy(bytes, &no_magic, 4);
    if (fault == HTTP_P0F_BAD_STATUS)
        memcpy(bytes + 4, &no_status, 4);
    if (fault == HTTP_P0F_CUT)
        size /= 2;
    if (fault != HTTP_P0F_FAULTS)
        p0f.next = HTTP_P0F_FAULTS;
    HOLDS(send(client->fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size);
    memmove(client->owed, client->owed + 1, --client->count * sizeof client->owed[0]);
    client->answered++;
    if (fault == HTTP_P0F_CUT)
        hang_up(client);
}

static bool serve(struct client *client)
{
    bool any = read_queries(client);

    /* One in a round, as p0f does. */
    if (client->fd < 0 || client->count == 0 || (p0f.stalled && client->answered >= PROBES))
        return any;
    answer_first(client);
    return true;
}

static bool accept_one(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (p0f.clients[i].fd >= 0)
            continue;
        p0f.clients[i].fd = accept4(p0f.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        return p0f.clients[i].fd >= 0;
    }
    return false;
}

bool http_p0f_round(void)
{
    bool any = accept_one();

    for (unsigned i = 0; i < CLIENTS; i++)
        if (p0f.clients[i].fd >= 0)
            any = serve(&p0f.clients[i]) || any;
    return any;
}

nfds_t http_p0f_watch(struct pollfd watched[HTTP_P0F_DESCRIPTORS])
{
    nfds_t count = 0;

    watched[count++] = (struct pollfd){.fd = p0f.listener, .events = POLLIN};
    for (unsigned i = 0; i < CLIENTS; i++)
        if (p0f.clients[i].fd >= 0)
            watched[count++] = (struct pollfd){.fd = p0f.clients[i].fd, .events = POLLIN};
    return count;
}

void http_p0f_fault(enum http_p0f_fault fault)
{
    switch (fault) {
    case HTTP_P0F_HANG_UP:
        for (unsigned i = 0; i < CLIENTS; i++)
            if (p0f.clients[i].fd >= 0)
                hang_up(&p0f.clients[i]);
        break;
    case HTTP_P0F_STALL:
    case HTTP_P0F_GO_ON:
        p0f.stalled = fault == HTTP_P0F_STALL;
        break;
    case HTTP_P0F_BAD_MAGIC:
    case HTTP_P0F_BAD_STATUS:
    case HTTP_P0F_CUT:
    case HTTP_P0F_BAD_AND_STALL:
    case HTTP_P0F_FAULTS:
        p0f.next = fault;
        break;
    }
}

void http_p0f_behave(void)
{
    p0f.next = HTTP_P0F_FAULTS;
    p0f.stalled = false;
}

unsigned http_p0f_at_rest(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < CLIENTS; i++)
        count += p0f.clients[i].fd >= 0 && p0f.clients[i].answered >= PROBES &&
                 p0f.clients[i].count == 0;
    return count;
}
