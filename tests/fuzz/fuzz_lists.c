/* SPDX-License-Identifier: MIT */
/* Any bytes are a list of networks, of origins, of server names, of addresses to listen on, of p0f's sockets and of
 * Redis servers: each is taken, and then means what it says, or is refused with a reason. A password is never
 * shown. */
#include "holds.h"
#include "net/listen_address.h"
#include "net/networks.h"
#include "net/origins.h"
#include "net/redis_url.h"
#include "net/sensor_sockets.h"
#include "net/server_names.h"

#include <arpa/inet.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const char *error, size_t size)
{
    HOLDS(memchr(error, '\0', size));
    HOLDS(error[0] != '\0');
}

/* As independent of core/span as can be. False after the last. */
static bool next_item(const char **list, char *item, size_t size)
{
    if (!*list)
        return false;
    const char *start = *list + strspn(*list, " \t");
    size_t length = strcspn(start, ",");

    *list = start[length] ? start + length + 1 : NULL;
    while (length > 0 && (start[length - 1] == ' ' || start[length - 1] == '\t'))
        length--;
    HOLDS(length < size);
    memcpy(item, start, length);
    item[length] = '\0';
    return true;
}

/* ---- Networks */

/* Both as IPv6, an IPv4 address as a mapped one. */
static void as_v6(const struct p0f_addr *addr, uint8_t bytes[16])
{
    memcpy(bytes, addr->bytes, 16);
    if (addr->type == 6)
        return;
    memset(bytes, 0, 10);
    memset(bytes + 10, 0xff, 2);
    memcpy(bytes + 12, addr->bytes, 4);
}

static bool flip(struct p0f_addr *addr, int bit)
{
    addr->bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    return true;
}

/* Of one network alone: its address is in it, and of the addresses that differ from that in one bit
 * those that differ behind the prefix. */
static void check_network(const char *text)
{
    char address[P0F_ADDR_TEXT_SIZE + 2], error[NETWORKS_ERROR_SIZE];
    size_t length = strcspn(text, "/");
    struct networks *network = networks_parse(text, error);
    struct p0f_addr addr;
    uint8_t bytes[16];

    HOLDS(network && length < sizeof address);
    memcpy(address, text, length);
    address[length] = '\0';
    HOLDS(p0f_addr_parse(address, length, &addr) == P0F_OK);
    int bits = strchr(address, ':') ? 128 : 32;
    int prefix = text[length] ? atoi(text + length + 1) : bits;
    as_v6(&addr, bytes);
    if (bits == 128 && addr.type == 4 && prefix < 96) { /* of IPv6, around the mapped ones */
        addr.type = 6;
        memcpy(addr.bytes, bytes, 16);
    } else {
        prefix -= bits == 128 && addr.type == 4 ? 96 : 0;
    }
    HOLDS(networks_contain(network, &addr));
    for (int bit = 0; bit < (addr.type == 4 ? 32 : 128); bit++) {
        struct p0f_addr other = addr;
        flip(&other, bit);
        HOLDS(networks_contain(network, &other) == (bit >= prefix));
    }
    networks_free(network);
}

static void check_networks(const char *text)
{
    static const struct p0f_addr some[] = {
        {.type = 4, .bytes = {127, 0, 0, 1}},
        {.type = 6, .bytes = {[15] = 1}},
    };
    char error[NETWORKS_ERROR_SIZE], item[128];
    struct networks *networks = networks_parse(text, memset(error, 'x', sizeof error));
    bool found[2] = {false, false};
    const char *list = text;

    if (!networks) {
        check_error(error, sizeof error);
        return;
    }
    while (text[strspn(text, " \t")] && next_item(&list, item, sizeof item)) {
        struct networks *one = networks_parse(item, error);
        HOLDS(one);
        for (int i = 0; i < 2; i++)
            found[i] = found[i] || networks_contain(one, &some[i]);
        networks_free(one);
        check_network(item);
    }
    for (int i = 0; i < 2; i++)
        HOLDS(networks_contain(networks, &some[i]) == found[i]);
    networks_free(networks);
}

/* ---- Origins */

static void check_origins(const char *text)
{
    char error[ORIGINS_ERROR_SIZE], item[4096];
    struct origins *origins = origins_parse(text, memset(error, 'x', sizeof error));
    bool all = false, none = text[strspn(text, " \t")] == '\0';
    const char *whole = text;

    if (!origins) {
        check_error(error, sizeof error);
        return;
    }
    while (!none && next_item(&text, item, sizeof item)) {
        all = strcmp(item, "*") == 0;
        HOLDS(origins_allow(origins, item));
        HOLDS(strcmp(origins_allow(origins, item), item) == 0 || all);
        HOLDS(all || (strstr(item, "://") && !strpbrk(item, " \t\r\n*\"")));
        strcat(item, "x");
        HOLDS(all || !origins_allow(origins, item) || strstr(whole, item));
    }
    HOLDS(!origins_allow(origins, NULL) == !all);
    HOLDS(origins_vary(origins) == (!all && !none));
    origins_free(origins);
}

/* ---- Server names */

static void check_server_names(const char *text)
{
    char error[SERVER_NAMES_ERROR_SIZE], item[4096];
    struct server_names *names = server_names_parse(text, memset(error, 'x', sizeof error));
    bool any = text[strspn(text, " \t")] == '\0';

    if (!names) {
        check_error(error, sizeof error);
        return;
    }
    while (!any && next_item(&text, item, sizeof item)) {
        HOLDS(server_names_allow(names, span_of(item)));
        HOLDS(!strpbrk(item, " \t\r\n*\"/@"));
    }
    HOLDS(server_names_allow(names, span_of("evil name")) == any);
    HOLDS(server_names_allow(names, span_of("127.0.0.1:80")));
    server_names_free(names);
}

/* ---- Addresses to listen on */

/* Four numbers and a port: surely one. */
static bool is_plain(const char *item)
{
    size_t host = strspn(item, "0123456789."), port;
    struct in_addr addr;
    char text[16];

    if (host >= sizeof text || item[host] != ':')
        return false;
    port = strspn(item + host + 1, "0123456789");
    if (port == 0 || port > 4 || item[host + 1 + port])
        return false;
    memcpy(text, item, host);
    text[host] = '\0';
    return inet_pton(AF_INET, text, &addr) == 1;
}

static void check_listen(const char *text)
{
    struct listen_address address;
    char item[4096], again[400], error[LISTEN_ADDRESS_ERROR_SIZE];
    struct span list = span_of(text), span;

    while (span_next_item(&list, &span)) {
        memset(error, 'x', sizeof error);
        bool good = listen_address_parse(span, &address, error);
        HOLDS(next_item(&text, item, sizeof item) && span_equals(span, item));
        HOLDS(good || !is_plain(item));
        if (!good)
            check_error(error, sizeof error);
        if (!good)
            continue;
        if (address.is_unix)
            snprintf(again, sizeof again, "unix:%s", address.host);
        else
            snprintf(again, sizeof again, strchr(address.host, ':') ? "[%s]:%s" : "%s:%s",
                     address.host, address.port);
        HOLDS(address.is_unix || strtoul(address.port, NULL, 10) <= 65535);
        /* Brackets do not stand only around what needs them. */
        HOLDS(strcmp(again, item) == 0 || item[0] == '[');
    }
    HOLDS(!text);
}

/* ---- Sockets of p0f */

static void check_sensor_sockets(const char *text)
{
    char error[SENSOR_SOCKETS_ERROR_SIZE], again[SENSOR_SOCKETS_MAX * 180];
    struct sensor_sockets sockets, other;
    size_t length = 0;

    if (!sensor_sockets_parse(text, &sockets, memset(error, 'x', sizeof error))) {
        check_error(error, sizeof error);
        return;
    }
    HOLDS(sockets.count > 0 && sockets.count <= SENSOR_SOCKETS_MAX);
    for (unsigned i = 0; i < sockets.count; i++) {
        const struct sensor_socket *one = &sockets.list[i];
        HOLDS(sensor_name_valid(span_of(one->name)) || (!one->name[0] && sockets.count == 1));
        HOLDS(one->path[0] == '/' && !strchr(one->path, ',') && strstr(text, one->path));
        for (unsigned j = 0; j < i; j++)
            HOLDS(strcmp(one->name, sockets.list[j].name) != 0 &&
                  strcmp(one->path, sockets.list[j].path) != 0);
        length += (size_t)sprintf(again + length, "%s%s%s%s", i ? "," : "", one->name,
                                  one->name[0] ? "=" : "", one->path);
    }
    HOLDS(sensor_sockets_parse(again, &other, error) && other.count == sockets.count);
    for (unsigned i = 0; i < sockets.count; i++)
        HOLDS(strcmp(sockets.list[i].name, other.list[i].name) == 0 &&
              strcmp(sockets.list[i].path, other.list[i].path) == 0);
}

/* ---- Redis servers */

#define REDACTED_SIZE 6000

/* What is shown of a list is the same list with other passwords. */
static void check_shown(const char *list, const char *shown)
{
    struct span items = span_of(list), others = span_of(shown), item, other;
    struct redis_url url, again;
    char error[REDIS_URL_ERROR_SIZE];
    bool any = false;

    while (span_next_item(&items, &item)) {
        HOLDS(span_next_item(&others, &other));
        HOLDS(redis_url_parse(item, &url, error) && redis_url_parse(other, &again, error));
        HOLDS(url.is_unix == again.is_unix && url.tls == again.tls && url.port == again.port);
        HOLDS(strcmp(url.host, again.host) == 0 && strcmp(url.user, again.user) == 0);
        HOLDS(url.database == again.database);
        HOLDS(strcmp(again.password, url.password[0] ? "***" : "") == 0);
        any = any || url.password[0];
    }
    HOLDS(!span_next_item(&others, &other));
    HOLDS(any || strcmp(list, shown) == 0);
}

/* Whatever the text is, as a password it is not shown. */
static void check_hidden(const char *text)
{
    char list[5000], shown[REDACTED_SIZE];

    if (strstr(text, "://") || strcasestr(text, "unix:"))
        return; /* another URL may begin in there */
    snprintf(list, sizeof list, "redis://u:%s@h:1", text);
    redis_url_redact(span_of(list), shown, sizeof shown);
    HOLDS(strcmp(shown, "redis://u:***@h:1") == 0);
}

static void check_redis_urls(const char *text)
{
    char error[REDIS_URL_ERROR_SIZE], shown[REDACTED_SIZE], again[REDACTED_SIZE], cut[64];
    bool good = redis_url_check_list(text, memset(error, 'x', sizeof error));

    redis_url_redact(span_of(text), shown, sizeof shown);
    redis_url_redact(span_of(text), cut, sizeof cut);
    HOLDS(strlen(cut) < sizeof cut && strncmp(cut, shown, strlen(cut)) == 0);
    redis_url_redact(span_of(shown), again, sizeof again);
    HOLDS(!good || strcmp(shown, again) == 0);
    if (good)
        check_shown(text, shown);
    else
        check_error(error, sizeof error);
    check_hidden(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[4000];

    if (size >= sizeof text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check_networks(text);
    check_origins(text);
    check_server_names(text);
    check_listen(text);
    check_sensor_sockets(text);
    check_redis_urls(text);
    return 0;
}
