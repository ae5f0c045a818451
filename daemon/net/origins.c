/* SPDX-License-Identifier: MIT */
#include "net/origins.h"

#include "core/number.h"
#include "p0fclient.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define ORIGIN_SYNTAX "expected scheme://host or scheme://host:port"
#define SHOWN 50 /* bytes of an origin in a message */

struct origins {
    bool all;
    size_t count;
    char *list[]; /* into a copy of the text, which follows */
};

/* ---- One origin: scheme://host or scheme://host:port */

static bool refuse_origin(char error[ORIGINS_ERROR_SIZE], const char *origin, const char *why)
{
    snprintf(error, ORIGINS_ERROR_SIZE, "%.*s: %s", SHOWN, origin, why);
    return false;
}

/* Suggests the first `length` bytes of `better`. */
static bool refuse_for(char error[ORIGINS_ERROR_SIZE], const char *origin, const char *why,
                       const char *better, size_t length)
{
    snprintf(error, ORIGINS_ERROR_SIZE, "%.*s: %s; did you mean %.*s?", SHOWN, origin, why,
             length < SHOWN ? (int)length : SHOWN, better);
    return false;
}

static bool refuse_upper_case(char error[ORIGINS_ERROR_SIZE], const char *origin)
{
    char better[SHOWN + 1];

    snprintf(better, sizeof better, "%s", origin);
    for (char *c = better; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return refuse_for(error, origin, "browsers send origins in lower case", better, strlen(better));
}

static bool is_origin_host(const char *host, size_t length)
{
    struct p0f_addr addr;

    if (length == 0)
        return false;
    if (host[0] == '[')
        return strspn(host + 1, "abcdef:" DIGITS) + 2 == length &&
               p0f_addr_parse(host, length, &addr) == P0F_OK;
    return strspn(host, LOWER DIGITS "-._") == length;
}

static bool is_origin_port(const char *port)
{
    uint64_t number;

    return port[0] != '0' && number_parse(span_of(port), 65535, &number);
}

static bool is_default_port(const char *origin, const char *port)
{
    return (strncmp(origin, "http:", 5) == 0 && strcmp(port, "80") == 0) ||
           (strncmp(origin, "https:", 6) == 0 && strcmp(port, "443") == 0);
}

/* `host` is behind the scheme, to the end. */
static bool check_host(const char *origin, const char *host, char error[ORIGINS_ERROR_SIZE])
{
    const char *bracket = host[0] == '[' ? strchr(host, ']') : NULL;
    const char *port = strchr(bracket ? bracket : host, ':');
    size_t length = port ? (size_t)(port - host) : strlen(host);

    if (strchr(host, '*'))
        return refuse_origin(error, origin, "patterns are not supported, only whole origins and *");
    if (strchr(host, '@'))
        return refuse_origin(error, origin, "an origin has no user name");
    if (strpbrk(origin, UPPER))
        return refuse_upper_case(error, origin);
    if (!is_origin_host(host, length) || (port && !is_origin_port(port + 1)))
        return refuse_origin(error, origin, ORIGIN_SYNTAX);
    if (port && is_default_port(origin, port + 1))
        return refuse_for(error, origin, "browsers omit the scheme's default port", origin,
                          (size_t)(port - origin));
    return true;
}

static bool refuse_scheme(char error[ORIGINS_ERROR_SIZE], const char *origin, const char *why,
                          const char *scheme, const char *rest)
{
    char better[SHOWN + 1];

    snprintf(better, sizeof better, "%s://%s", scheme, rest);
    better[strcspn(better + strlen(scheme) + 3, "/?#") + strlen(scheme) + 3] = '\0';
    return refuse_for(error, origin, why, better, strlen(better));
}

/* http, https, and those of extensions and apps, which choose their own: any but those that are surely
 * none of these. */
static bool check_scheme(const char *origin, struct span scheme, char error[ORIGINS_ERROR_SIZE])
{
    static const char *const opaque[] = {"file", "data", "blob", "about", "javascript", "content"};
    static const char why[] = "pages do not have this scheme";
    const char *rest = origin + scheme.length + 3;

    for (size_t i = 0; i < sizeof opaque / sizeof opaque[0]; i++)
        if (span_equals_nocase(scheme, opaque[i]))
            return refuse_origin(error, origin,
                                 "the origin of such pages is null, which any page can have");
    if (span_equals_nocase(scheme, "http") || span_equals_nocase(scheme, "https"))
        return true;
    if (span_equals_nocase(scheme, "ws"))
        return refuse_scheme(error, origin, why, "http", rest);
    if (span_equals_nocase(scheme, "ftp") || span_equals_nocase(scheme, "wss") ||
        strncasecmp(scheme.at, "ht", 2) == 0)
        return refuse_scheme(error, origin, why, "https", rest);
    if (scheme.length == 0 || strspn(scheme.at, LOWER UPPER DIGITS "+-.") < scheme.length)
        return refuse_origin(error, origin, ORIGIN_SYNTAX);
    return true;
}

/* "example.org", "localhost:8080", "https:example.org", "https//example.org". */
static bool refuse_schemeless(char error[ORIGINS_ERROR_SIZE], const char *origin)
{
    struct span rest = span_of(origin);
    bool tls = span_skip_nocase(&rest, "https:") || span_skip_nocase(&rest, "https/");
    bool plain = !tls && (span_skip_nocase(&rest, "http:") || span_skip_nocase(&rest, "http/"));

    while ((tls || plain) && rest.length > 0 && rest.at[0] == '/')
        rest = span_from(rest, 1);
    return refuse_scheme(error, origin, tls || plain ? ORIGIN_SYNTAX : "the scheme is missing",
                         plain ? "http" : "https", rest.at);
}

static bool check_origin(const char *origin, char error[ORIGINS_ERROR_SIZE])
{
    const char *separator = strstr(origin, "://");

    if (strcmp(origin, "null") == 0)
        return refuse_origin(error, origin,
                             "any page can have this origin; use * to allow every origin");
    if (strpbrk(origin, " \t;"))
        return refuse_origin(error, origin, "origins are separated by commas");
    for (const char *c = origin; *c; c++)
        if ((unsigned char)*c > 0x7f)
            return refuse_origin(error, origin,
                                 "expected the host in ASCII, as browsers send it (xn--...)");
    if (!separator)
        return refuse_schemeless(error, origin);
    if (!check_scheme(origin, (struct span){origin, (size_t)(separator - origin)}, error))
        return false;
    const char *host = separator + 3;
    size_t length = (size_t)(host - origin) + strcspn(host, "/?#");
    if (origin[length] == '/' && origin[length + 1] == '\0')
        return refuse_for(error, origin, "an origin has no trailing slash", origin, length);
    if (origin[length] != '\0')
        return refuse_for(error, origin, "an origin has no path", origin, length);
    return check_host(origin, host, error);
}

/* ---- The list */

/* Ends each item with a NUL, in place: `text` is ours. */
static bool read_origins(char *text, struct origins *origins, char error[ORIGINS_ERROR_SIZE])
{
    struct span list = span_of(text), item;

    while (span_next_item(&list, &item)) {
        char *origin = text + (item.at - text);
        if (item.length == 0) {
            snprintf(error, ORIGINS_ERROR_SIZE, "item %zu is empty", origins->count + 1);
            return false;
        }
        origin[item.length] = '\0';
        if (strcmp(origin, "*") == 0)
            origins->all = true;
        else if (!check_origin(origin, error))
            return false;
        origins->list[origins->count++] = origin;
    }
    if (origins->all && origins->count > 1)
        return refuse_origin(error, "*", "allows every origin, so it must be the only item");
    return true;
}

struct origins *origins_parse(const char *text, char error[ORIGINS_ERROR_SIZE])
{
    struct span trimmed = span_trim(span_of(text));
    size_t max = 1;

    for (size_t i = 0; i < trimmed.length; i++)
        max += trimmed.at[i] == ',';
    const size_t front = sizeof(struct origins) + max * sizeof(char *);
    struct origins *origins = calloc(1, front + trimmed.length + 1);
    if (!origins) {
        snprintf(error, ORIGINS_ERROR_SIZE, "out of memory");
        return NULL;
    }
    char *copy = memcpy((char *)origins + front, trimmed.at, trimmed.length);
    if (trimmed.length > 0 && !read_origins(copy, origins, error)) {
        origins_free(origins);
        return NULL;
    }
    return origins;
}

void origins_free(struct origins *origins)
{
    free(origins);
}

const char *origins_allow(const struct origins *origins, const char *origin)
{
    if (origins->all)
        return "*";
    for (size_t i = 0; origin && i < origins->count; i++)
        if (strcmp(origins->list[i], origin) == 0)
            return origins->list[i];
    return NULL;
}

bool origins_vary(const struct origins *origins)
{
    return origins->count > 0 && !origins->all;
}
