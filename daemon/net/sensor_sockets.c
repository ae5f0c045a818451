/* SPDX-License-Identifier: MIT */
#include "net/sensor_sockets.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STRINGIFY(number) #number
#define TEXT_OF(number) STRINGIFY(number)

__attribute__((format(printf, 2, 3))) static bool
refuse_sockets(char error[SENSOR_SOCKETS_ERROR_SIZE], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, SENSOR_SOCKETS_ERROR_SIZE, format, args);
    va_end(args);
    return false;
}

/* How much of an item a message shows. */
static int shown(struct span item)
{
    return item.length < 60 ? (int)item.length : 60;
}

static bool contains(struct span text, const char *part)
{
    for (; text.length > 0; text = span_from(text, 1))
        if (span_skip(&(struct span){text.at, text.length}, part))
            return true;
    return false;
}

/* What is wrong with a path, and what was probably meant; NULL if it may be that of a socket. */
static const char *correct_path(struct span path)
{
    if (path.length == 0)
        return "it is empty";
    if (span_skip(&path, "unix:"))
        return "without unix:, which only http.listen and relay.listen have";
    if (path.at[0] == '@')
        return "p0f makes no abstract sockets";
    if (path.at[0] == '"' || path.at[0] == '\'')
        return "without quotes";
    if (path.at[0] != '/')
        return contains(path, ":/") ? "a name is followed by =, not by :"
                                    : "it does not begin with /";
    if (path.at[path.length - 1] == '/')
        return "it is a directory; expected the socket in it";
    if (contains(path, "=/")) /* "a=/path b=/path" */
        return "separate several sockets by commas";
    return path.length > SENSOR_SOCKETS_PATH_MAX
               ? "longer than " TEXT_OF(SENSOR_SOCKETS_PATH_MAX) " bytes"
               : NULL;
}

/* Splits "name=/path", unless it begins as a path does. */
static bool split_name(struct span item, struct span *name, struct span *path)
{
    *path = item;
    *name = (struct span){item.at, 0};
    if (item.length == 0 || strchr("/@\"'", item.at[0]) || !memchr(item.at, '=', item.length))
        return false;
    *name = span_trim(span_split(path, '='));
    *path = span_trim(*path);
    return true;
}

/* `only`: the list has no other item, so a message need not say which one. */
static bool read_item(struct span item, bool only, struct sensor_socket *socket,
                      char error[SENSOR_SOCKETS_ERROR_SIZE])
{
    struct span name, path;
    bool named = split_name(item, &name, &path);
    const char *wrong = correct_path(path);

    if (item.length == 0 && !only)
        return refuse_sockets(error, "an item is empty");
    if (named && !sensor_name_valid(name))
        return refuse_sockets(error,
                              "'%.*s' is not a name: expected 1 to " TEXT_OF(
                                  SENSOR_NAME_MAX) " letters, digits, -, _ and .",
                              shown(name), name.at);
    if (wrong && only)
        return refuse_sockets(error, "%s", wrong);
    if (wrong)
        return refuse_sockets(error, "'%.*s': %s", shown(item), item.at, wrong);
    snprintf(socket->name, sizeof socket->name, "%.*s", (int)name.length, name.at);
    snprintf(socket->path, sizeof socket->path, "%.*s", (int)path.length, path.at);
    return true;
}

/* The socket must differ from those before it. */
static bool check_against_others(const struct sensor_sockets *sockets,
                                 const struct sensor_socket *socket,
                                 char error[SENSOR_SOCKETS_ERROR_SIZE])
{
    for (const struct sensor_socket *other = sockets->list; other < socket; other++) {
        if (!socket->name[0] || !other->name[0])
            return refuse_sockets(error, "'%.60s' has no name; each of several sockets needs one",
                                  other->name[0] ? socket->path : other->path);
        if (strcmp(socket->name, other->name) == 0)
            return refuse_sockets(error, "two sockets have the name %s", socket->name);
        if (strcmp(socket->path, other->path) == 0)
            return refuse_sockets(error, "%s and %s have the same path", other->name, socket->name);
    }
    return true;
}

bool sensor_sockets_parse(const char *list, struct sensor_sockets *sockets,
                          char error[SENSOR_SOCKETS_ERROR_SIZE])
{
    struct span whole = span_trim(span_of(list)), rest = whole, item;

    sockets->count = 0;
    while (span_next_item(&rest, &item)) {
        struct sensor_socket *socket = &sockets->list[sockets->count];
        if (sockets->count == SENSOR_SOCKETS_MAX)
            return refuse_sockets(error, "more than " TEXT_OF(SENSOR_SOCKETS_MAX) " sockets");
        if (!read_item(item, item.length == whole.length, socket, error) ||
            !check_against_others(sockets, socket, error))
            return false;
        sockets->count++;
    }
    return true;
}
