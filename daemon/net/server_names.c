/* SPDX-License-Identifier: MIT */
#include "net/server_names.h"

#include "net/host_port.h"
#include "p0fclient.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/param.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HOST_NAME_BYTES 253
#define LABEL_MAX 63
#define SHOWN 50u /* bytes of a name in a message */

struct server_names {
    size_t count;
    struct span list[]; /* into a copy of the text, which follows */
};

/* ---- A host */

/* Without a port and the dot of a complete name. */
static struct span bare_host(struct span text)
{
    struct span host, port;

    host_port_split(text, &host, &port);
    if (host.length > 1 && host.at[host.length - 1] == '.')
        host.length--;
    return host;
}

/* In brackets it may have a zone. */
static bool is_ip_literal(struct span host)
{
    struct p0f_addr addr;

    if (span_skip(&host, "[")) {
        if (host.length == 0 || host.at[--host.length] != ']')
            return false;
        host = span_split(&host, '%');
    }
    return p0f_addr_parse(host.at, host.length, &addr) == P0F_OK;
}

bool server_names_allow(const struct server_names *names, struct span host)
{
    if (names->count == 0)
        return true;
    struct span bare = bare_host(span_trim(host));
    for (size_t i = 0; i < names->count; i++)
        if (bare.length == names->list[i].length &&
            strncasecmp(bare.at, names->list[i].at, bare.length) == 0)
            return true;
    return bare.length == 0 || span_equals_nocase(bare, "localhost") || is_ip_literal(bare);
}

/* ---- One item of the list */

static bool is_host_name(struct span name)
{
    if (name.length == 0 || name.length > HOST_NAME_BYTES)
        return false;
    for (size_t i = 0, label = 0; i <= name.length; i++) {
        if (i < name.length && name.at[i] != '.') {
            label++;
            if (!name.at[i] || !strchr(LETTERS DIGITS "-_", name.at[i]))
                return false;
        } else {
            if (label == 0 || label > LABEL_MAX)
                return false;
            label = 0;
        }
    }
    return true;
}

static bool refuse_name(char error[SERVER_NAMES_ERROR_SIZE], struct span item, const char *why)
{
    snprintf(error, SERVER_NAMES_ERROR_SIZE, "%.*s: %s", (int)MIN(item.length, SHOWN), item.at,
             why);
    return false;
}

/* What is wrong with an item if it cannot be told which name was meant, or NULL. */
static const char *explain_item(struct span item)
{
    if (span_equals(item, "*"))
        return "leave the setting empty to allow every name";
    if (strchr(item.at, '*') || item.at[0] == '.')
        return "patterns are not supported, only whole names";
    if (strncmp(item.at, "unix:", 5) == 0)
        return "requests over unix sockets are always accepted";
    if (strpbrk(item.at, " \t"))
        return "names are separated by commas";
    for (size_t i = 0; i < item.length; i++)
        if ((unsigned char)item.at[i] > 0x7f)
            return "expected the name in ASCII, as browsers send it (xn--...)";
    return NULL;
}

/* Takes off what belongs to a URL; returns what that was, or NULL. */
static const char *strip_url(struct span *item)
{
    const char *scheme = strstr(item->at, "://");
    struct span host, port;

    if (scheme)
        *item = span_from(*item, (size_t)(scheme + 3 - item->at));
    size_t length = strcspn(item->at, "/?#");
    bool has_path = length < item->length;
    item->length = length;
    host_port_split(*item, &host, &port);
    *item = host;
    if (scheme)
        return "a URL is not a host name";
    if (has_path)
        return "a host name has no path";
    return port.at ? "the port makes no difference, so it must not be given" : NULL;
}

/* `item` ends with a NUL. */
static bool check_name(struct span item, char error[SERVER_NAMES_ERROR_SIZE])
{
    struct span meant = item;
    const char *why = explain_item(item);

    if (why)
        return refuse_name(error, item, why);
    why = strip_url(&meant);
    if (!is_host_name(bare_host(meant)) && !is_ip_literal(meant))
        return refuse_name(error, item, "not a host name");
    if (!why)
        return true;
    snprintf(error, SERVER_NAMES_ERROR_SIZE, "%.*s: %s; did you mean %.*s?",
             (int)MIN(item.length, SHOWN), item.at, why, (int)MIN(meant.length, SHOWN), meant.at);
    return false;
}

/* ---- The list */

/* Ends each item with a NUL, in place: `text` is ours. */
static bool read_names(char *text, struct server_names *names, char error[SERVER_NAMES_ERROR_SIZE])
{
    struct span list = span_of(text), item;

    while (span_next_item(&list, &item)) {
        text[(size_t)(item.at - text) + item.length] = '\0';
        if (item.length == 0) {
            snprintf(error, SERVER_NAMES_ERROR_SIZE, "item %zu is empty", names->count + 1);
            return false;
        }
        if (!check_name(item, error))
            return false;
        names->list[names->count++] = bare_host(item);
    }
    return true;
}

struct server_names *server_names_parse(const char *text, char error[SERVER_NAMES_ERROR_SIZE])
{
    struct span trimmed = span_trim(span_of(text));
    size_t max = 1;

    for (size_t i = 0; i < trimmed.length; i++)
        max += trimmed.at[i] == ',';
    const size_t front = sizeof(struct server_names) + max * sizeof(struct span);
    struct server_names *names = calloc(1, front + trimmed.length + 1);
    if (!names) {
        snprintf(error, SERVER_NAMES_ERROR_SIZE, "out of memory");
        return NULL;
    }
    char *copy = memcpy((char *)names + front, trimmed.at, trimmed.length);
    if (trimmed.length > 0 && !read_names(copy, names, error)) {
        server_names_free(names);
        return NULL;
    }
    return names;
}

void server_names_free(struct server_names *names)
{
    free(names);
}
