/* SPDX-License-Identifier: MIT */
#include "net/client_header.h"

#include "net/syntax.h"

#include <stdio.h>

#define NAME_MAX_LENGTH 64

/* Fields that never hold the address of a client, or that come from the visitor. A name that ends in "-"
 * stands for all that begin with it. */
static const char *const others[] = {
    /* about the connection or the length of the body */
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "HTTP2-Settings",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Content-",
    /* about the request */
    "Host",
    "Expect",
    "Authorization",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Cookie",
    "Origin",
    "Referer",
    "User-Agent",
    "Accept",
    "Accept-",
    "Access-Control-",
    "Cache-Control",
    "Pragma",
    "If-",
    "Range",
    "Date",
    "Via",
    "Max-Forwards",
    "Sec-",
    /* of proxies, about something else */
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
    "X-Request-Id",
    "X-P0F-",
};

static bool has_other_meaning(struct span name)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct span rest = name;
        if (span_skip_nocase(&rest, others[i]) &&
            (rest.length == 0 || others[i][strlen(others[i]) - 1] == '-'))
            return true;
    }
    return false;
}

/* What is wrong with a name, or NULL. */
static const char *find_name_fault(struct span name)
{
    if (name.length == 0)
        return "it is empty";
    if (name.at[0] == '$')
        return "a field, not a variable";
    if (memchr(name.at, ',', name.length))
        return "only one field";
    if (name.at[name.length - 1] == ':')
        return "without the colon";
    if (!syntax_is_token(name.at, name.length))
        return "invalid character in a field name";
    if (name.length > NAME_MAX_LENGTH)
        return "too long";
    return has_other_meaning(name) ? "this field has another meaning" : NULL;
}

bool client_header_parse(const char *text, struct client_header *header,
                         char error[CLIENT_HEADER_ERROR_SIZE])
{
    struct span name = span_of(text);
    const char *fault = find_name_fault(name);

    if (fault) {
        snprintf(error, CLIENT_HEADER_ERROR_SIZE, "%s", fault);
        return false;
    }
    *header = (struct client_header){.kind = CLIENT_HEADER_ADDRESS, .name = name};
    if (span_equals_nocase(name, "X-Forwarded-For"))
        header->kind = CLIENT_HEADER_X_FORWARDED_FOR;
    else if (span_equals_nocase(name, "Forwarded"))
        header->kind = CLIENT_HEADER_FORWARDED;
    return true;
}
