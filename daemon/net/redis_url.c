/* SPDX-License-Identifier: MIT */
#include "net/redis_url.h"

#include "core/number.h"
#include "net/host_port.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PORT_DEFAULT 6379
#define DATABASE_MAX INT32_MAX
#define PATH_LENGTH_MAX 107 /* the limit of a unix socket address */

__attribute__((format(printf, 2, 3))) static bool refuse_url(char error[REDIS_URL_ERROR_SIZE],
                                                             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, REDIS_URL_ERROR_SIZE, format, args);
    va_end(args);
    return false;
}

/* The last `mark`, or NULL. */
static const char *find_last(struct span text, char mark)
{
    return text.length > 0 ? memrchr(text.at, mark, text.length) : NULL;
}

/* ---- User and password */

static int percent_digit(char digit)
{
    return isdigit((unsigned char)digit)    ? digit - '0'
           : isxdigit((unsigned char)digit) ? tolower((unsigned char)digit) - 'a' + 10
                                            : -1;
}

/* Copies `text` with each %HH decoded. False when it does not fit, or has a NUL or a lone %. */
static bool decode(struct span text, char *out, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < text.length; i++) {
        int byte = (unsigned char)text.at[i];
        if (byte == '%') {
            int high = i + 2 < text.length ? percent_digit(text.at[i + 1]) : -1;
            int low = high >= 0 ? percent_digit(text.at[i + 2]) : -1;
            byte = low >= 0 ? 16 * high + low : 0;
            i += 2;
        }
        if (byte == 0 || length + 1 == size)
            return false;
        out[length++] = (char)byte;
    }
    out[length] = '\0';
    return true;
}

/* "user:password" or ":password". */
static bool read_user_password(struct span text, struct redis_url *url,
                               char error[REDIS_URL_ERROR_SIZE])
{
    struct span password = text, user = span_split(&password, ':');

    if (user.length == text.length || password.length == 0)
        return refuse_url(error, "no password; expected user:password@ or :password@");
    if (!decode(user, url->user, sizeof url->user))
        return refuse_url(error, "the user is too long, or has a %% that is not followed by two "
                                 "hexadecimal digits");
    if (!decode(password, url->password, sizeof url->password))
        return refuse_url(error, "the password is too long, or has a %% that is not followed by "
                                 "two hexadecimal digits (%%25 is a %%)");
    return true;
}

/* Takes the user and password, up to the last '@', off the front of *rest. */
static bool take_credentials(struct span *rest, struct redis_url *url,
                             char error[REDIS_URL_ERROR_SIZE])
{
    const char *at = find_last(*rest, '@');

    if (!at)
        return true;
    struct span credentials = {rest->at, (size_t)(at - rest->at)};
    if (memchr(credentials.at, '/', credentials.length))
        return refuse_url(error, "a / in user or password must be written as %%2F");
    *rest = span_from(*rest, credentials.length + 1);
    return read_user_password(credentials, url, error);
}

/* ---- Address and database */

static bool read_database(struct span digits, struct redis_url *url,
                          char error[REDIS_URL_ERROR_SIZE])
{
    uint64_t number;

    if (!number_parse(digits, DATABASE_MAX, &number))
        return refuse_url(error, "the database is not a number");
    url->database = (uint32_t)number;
    return true;
}

/* "/path", which may be followed by "?db=1"; with "//", a user and a password come first. */
static bool read_unix_url(struct span rest, struct redis_url *url, char error[REDIS_URL_ERROR_SIZE])
{
    url->is_unix = true;
    if (span_skip(&rest, "//") && !take_credentials(&rest, url, error))
        return false;
    struct span query = rest, path = span_split(&query, '?');
    if (path.length == 0 || path.at[0] != '/')
        return refuse_url(error, "unix: needs an absolute path");
    if (path.at[path.length - 1] == '/')
        return refuse_url(error, "it is a directory; expected the socket in it");
    if (path.length > PATH_LENGTH_MAX)
        return refuse_url(error, "the path is longer than %d bytes", PATH_LENGTH_MAX);
    memcpy(url->host, path.at, path.length);
    url->host[path.length] = '\0';
    if (path.length == rest.length)
        return true;
    if (!span_skip(&query, "db="))
        return refuse_url(error, "only ?db=number may follow the path");
    return read_database(query, url, error);
}

static bool is_ipv6(const char *text)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr binary;
    size_t length = strcspn(text, "%"); /* a zone follows */

    if (length >= sizeof address)
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    return inet_pton(AF_INET6, address, &binary) == 1;
}

static bool is_server_name(struct span host)
{
    for (size_t i = 0; i < host.length; i++)
        if (!isalnum((unsigned char)host.at[i]) && !strchr("-_.", host.at[i]))
            return false;
    return host.length > 0;
}

static bool read_server_host(struct span host, struct redis_url *url,
                             char error[REDIS_URL_ERROR_SIZE])
{
    bool bracketed = host.length > 2 && host.at[0] == '[' && host.at[host.length - 1] == ']';
    struct span bare = bracketed ? (struct span){host.at + 1, host.length - 2} : host;

    if (host.length == 0)
        return refuse_url(error, "no host");
    if (bare.length >= sizeof url->host || memchr(bare.at, '\0', bare.length))
        return refuse_url(error, "the host is too long");
    memcpy(url->host, bare.at, bare.length);
    url->host[bare.length] = '\0';
    if (bracketed ? is_ipv6(url->host) : is_server_name(bare))
        return true;
    return refuse_url(error, is_ipv6(url->host) ? "an IPv6 address needs brackets: [IPv6]:port"
                                                : "the host is not a name or an IP address");
}

/* "host:port", and "/database" if there is one. */
static bool read_tcp_url(struct span rest, struct redis_url *url, char error[REDIS_URL_ERROR_SIZE])
{
    struct span host, port;
    uint64_t number = PORT_DEFAULT;

    if (!take_credentials(&rest, url, error))
        return false;
    if (rest.length > 0 && memchr(rest.at, '?', rest.length))
        return refuse_url(error, "unexpected ?; a database is written /number");
    struct span database = rest, authority = span_split(&database, '/');
    host_port_split(authority, &host, &port);
    if (!read_server_host(host, url, error))
        return false;
    if (port.at && (!number_parse(port, UINT16_MAX, &number) || number == 0))
        return refuse_url(error, "the port is not a number from 1 to 65535");
    url->port = (uint16_t)number;
    return database.length == 0 || read_database(database, url, error);
}

bool redis_url_parse(struct span text, struct redis_url *url, char error[REDIS_URL_ERROR_SIZE])
{
    *url = (struct redis_url){0};
    if (text.length == 0)
        return refuse_url(error, "it is empty");
    if (span_skip(&text, "unix:"))
        return read_unix_url(text, url, error);
    url->tls = span_skip(&text, "rediss://") || span_skip(&text, "valkeys://");
    if (url->tls || span_skip(&text, "redis://") || span_skip(&text, "valkey://"))
        return read_tcp_url(text, url, error);
    return refuse_url(error, text.at[0] == '/' ? "a path needs unix: before it"
                             : strchr("\"'", text.at[0])
                                 ? "without quotes"
                                 : "it does not begin with redis://, rediss:// or unix:");
}

/* ---- The list */

/* Whether `other` is the same server. */
static bool is_same_server(const struct redis_url *url, const struct redis_url *other)
{
    return url->is_unix == other->is_unix && url->port == other->port &&
           (url->is_unix ? strcmp : strcasecmp)(url->host, other->host) == 0;
}

static bool is_same_before(const char *list, unsigned count, const struct redis_url *url)
{
    char error[REDIS_URL_ERROR_SIZE];
    struct span rest = span_of(list), item;
    struct redis_url other;

    while (count-- > 0 && span_next_item(&rest, &item))
        if (redis_url_parse(item, &other, error) && is_same_server(url, &other))
            return true;
    return false;
}

/* Why it cannot be one of several servers, which are nodes of one cluster; NULL if it can. */
static const char *check_node(const char *list, unsigned index, const struct redis_url *url)
{
    char error[REDIS_URL_ERROR_SIZE];
    struct span rest = span_of(list), item;
    struct redis_url first;

    span_next_item(&rest, &item);
    if (url->is_unix)
        return "several servers must be nodes of a cluster, which have no unix sockets";
    if (url->database != 0)
        return "several servers must be nodes of a cluster, which has only database 0";
    if (is_same_before(list, index, url))
        return "it is listed twice";
    if (redis_url_parse(item, &first, error) && !first.is_unix && first.tls != url->tls)
        return "either all servers must use TLS, or none";
    return NULL;
}

/* Whether an item is rather the rest of a password with a comma. */
static bool is_rest_of_password(struct span item)
{
    return memchr(item.at, '@', item.length) && !memmem(item.at, item.length, "://", 3);
}

/* Says what is wrong with one of several. `rest` is what follows it. */
static bool refuse_server(unsigned number, struct span item, struct span rest, const char *wrong,
                          char error[REDIS_URL_ERROR_SIZE])
{
    struct span next;
    bool comma =
        is_rest_of_password(item) || (span_next_item(&rest, &next) && is_rest_of_password(next));

    return refuse_url(error, "server %u: %.100s%s", number, wrong,
                      comma ? "; a , in user or password must be written as %2C" : "");
}

bool redis_url_check_list(const char *list, char error[REDIS_URL_ERROR_SIZE])
{
    struct span rest = span_of(list), item;
    bool several = strchr(list, ',') != NULL;
    char reason[REDIS_URL_ERROR_SIZE];
    unsigned count = 0;
    struct redis_url url;

    while (span_next_item(&rest, &item)) {
        const char *wrong = redis_url_parse(item, &url, reason)
                                ? (several ? check_node(list, count, &url) : NULL)
                                : reason;
        count++;
        if (wrong && several)
            return refuse_server(count, item, rest, wrong, error);
        if (wrong)
            return refuse_url(error, "%s", wrong);
        if (count > REDIS_URL_LIST_MAX)
            return refuse_url(error, "more than %d servers", REDIS_URL_LIST_MAX);
    }
    return true;
}

void redis_url_server(const struct redis_url *url, char text[REDIS_URL_SERVER_SIZE])
{
    if (url->is_unix)
        snprintf(text, REDIS_URL_SERVER_SIZE, "unix:%s", url->host);
    else
        snprintf(text, REDIS_URL_SERVER_SIZE, strchr(url->host, ':') ? "[%s]:%u" : "%s:%u",
                 url->host, url->port);
}
