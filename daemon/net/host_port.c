/* SPDX-License-Identifier: MIT */
#include "net/host_port.h"

static const char *find_mark(struct span text, char mark)
{
    return text.length > 0 ? memchr(text.at, mark, text.length) : NULL;
}

void host_port_split(struct span text, struct span *host, struct span *port)
{
    bool bracketed = text.length > 0 && text.at[0] == '[';
    const char *bracket = bracketed ? find_mark(text, ']') : NULL;
    struct span rest = bracket ? span_from(text, (size_t)(bracket + 1 - text.at)) : text;
    const char *colon = find_mark(rest, ':');

    *host = text;
    *port = (struct span){0};
    if (!colon || find_mark(span_from(rest, (size_t)(colon + 1 - rest.at)), ':'))
        return;
    *port = span_from(text, (size_t)(colon + 1 - text.at));
    host->length = (size_t)(colon - text.at);
}
