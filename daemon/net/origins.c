/* SPDX-License-Identifier: MIT */
#include "net/origins.h"

#include "p0fclient.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define SHOWN 50 /* bytes of an origin in a message */

struct origins {
    bool all;
    size_t count;
    char *origins[]; /* into their text, which follows */
};

/* ---- One origin: scheme://host or scheme://host:port */

static bool refuse_origin(char error[ORIGINS_ERROR_SIZE], const char *origin, const char *why)
{
    snprintf(error, ORIGINS_ERROR_SIZE, "%.*s: %s", SHOWN, origin, why);
    return false;
}

/* `length` bytes of `meant` are what a browser would have sent. */
static bool refuse_for(char error[ORIGINS_ERROR_SIZE], const char *origin, const char *why,
                       const char *meant, size_t length)
{
    snprintf(error, ORIGINS_ERROR_SIZE, "%.*s: %s; %.*s is meant?", SHOWN, origin, why,
             length < SHOWN ? (int)length : SHOWN, meant);
    return false;
}

static bool refuse_upper_case(char error[ORIGINS_ERROR_SIZE], const char *origin)
{
    char meant[SHOWN + 1];

    snprintf(meant, sizeof meant, "%s", origin);
    for (char *c = meant; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return refuse_for(error, origin, "browsers send lower case", meant, strlen(meant));
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
    size_t length = strspn(port, DIGITS);

    return length > 0 && length <= 5 && port[length] == '\0' && port[0] != '0' &&
           atoi(port) <= 65535;
}

/* Browsers leave it out. */
static bool is_own_port(const char *origin, const char *port)
{
    return (strncmp(origin, "http:", 5) == 0 && strcmp(port, "80") == 0) ||
           (strncmp(origin, "https:", 6) == 0 && strcmp(port, "443") == 0);
}

static bool check_host(const char *origin, const char *host, char error[ORIGINS_ERROR_SIZE])
{
    const char *bracket = host[0] == '[' ? strchr(host, ']') : NULL;
    const char *port = strchr(bracket ? bracket : host, ':');
    size_t length = port ? (size_t)(port - host) : strlen(host);

    if (strchr(host, '*'))
        return refuse_origin(error, origin, "there are no patterns, only whole origins and *");
    if (strpbrk(origin, UPPER))
        return refuse_upper_case(error, origin);
    if (!is_origin_host(host, length) || (port && !is_origin_port(port + 1)))
        return refuse_origin(error, origin, "an origin is scheme://host or scheme://host:port");
    if (port && is_own_port(origin, port + 1))
        return refuse_for(error, origin, "browsers leave the scheme's own port out", origin,
                          (size_t)(port - origin));
    return true;
}

static bool check_origin(const char *origin, char error[ORIGINS_ERROR_SIZE])
{
    const char *separator = strstr(origin, "://");
    char meant[SHOWN + 1];

    if (strcmp(origin, "null") == 0)
        return refuse_origin(error, origin, "every page can have this origin; * says so openly");
    if (!separator) {
        snprintf(meant, sizeof meant, "https://%s", origin);
        return refuse_for(error, origin, "the scheme is missing", meant, strlen(meant));
    }
    const char *host = separator + 3;
    size_t length = (size_t)(host - origin) + strcspn(host, "/?#");
    if (origin[length] == '/' && origin[length + 1] == '\0')
        return refuse_for(error, origin, "an origin has no slash at its end", origin, length);
    if (origin[length] != '\0')
        return refuse_for(error, origin, "an origin has no path", origin, length);
    if (strspn(origin, LOWER UPPER DIGITS "+-.") < (size_t)(separator - origin) ||
        separator == origin)
        return refuse_origin(error, origin, "an origin is scheme://host or scheme://host:port");
    return check_host(origin, host, error);
}

/* ---- The list */

/* Cuts the first item off *list, without the blanks around it; *list is NULL after the last. */
static char *next_origin(char **list)
{
    char *item = *list + strspn(*list, BLANKS);
    size_t length = strcspn(item, ",");

    *list = item[length] ? item + length + 1 : NULL;
    item[length] = '\0';
    while (length > 0 && strchr(BLANKS, item[length - 1]))
        item[--length] = '\0';
    return item;
}

static bool read_origins(char *list, struct origins *cors, char error[ORIGINS_ERROR_SIZE])
{
    while (list) {
        char *origin = next_origin(&list);
        if (origin[0] == '\0') {
            snprintf(error, ORIGINS_ERROR_SIZE, "item %zu is empty", cors->count + 1);
            return false;
        }
        if (strcmp(origin, "*") == 0)
            cors->all = true;
        else if (!check_origin(origin, error))
            return false;
        cors->origins[cors->count++] = origin;
    }
    if (cors->all && cors->count > 1)
        return refuse_origin(error, "*", "means every origin, so it stands alone");
    return true;
}

struct origins *origins_parse(const char *text, char error[ORIGINS_ERROR_SIZE])
{
    size_t max = 1;

    text += strspn(text, BLANKS);
    for (const char *c = text; *c; c++)
        max += *c == ',';
    const size_t front = sizeof(struct origins) + max * sizeof(char *);
    struct origins *cors = calloc(1, front + strlen(text) + 1);
    if (!cors) {
        snprintf(error, ORIGINS_ERROR_SIZE, "out of memory");
        return NULL;
    }
    char *list = strcpy((char *)cors + front, text);
    if (*text && !read_origins(list, cors, error)) {
        origins_free(cors);
        return NULL;
    }
    return cors;
}

void origins_free(struct origins *cors)
{
    free(cors);
}

const char *origins_allow(const struct origins *cors, const char *origin)
{
    if (cors->all)
        return "*";
    for (size_t i = 0; origin && i < cors->count; i++)
        if (strcmp(cors->origins[i], origin) == 0)
            return cors->origins[i];
    return NULL;
}

bool origins_vary(const struct origins *cors)
{
    return cors->count > 0 && !cors->all;
}
