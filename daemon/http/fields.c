/* SPDX-License-Identifier: MIT */
#include "http/fields.h"

#include "core/span.h"
#include "net/syntax.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINE_OVERHEAD 4 /* bytes beside name and value: the colon, a space, CR and LF */

/* ---- Values of one name */

const char *const *field_values_array(const struct field_values *values)
{
    return values->all ? values->all : &values->first;
}

/* Doubles the memory at each power of two. False when there is none. */
static bool field_values_add(struct field_values *values, const char *value)
{
    size_t count = values->count;

    if (count == 0) {
        values->first = value;
        values->count = 1;
        return true;
    }
    if ((count & (count - 1)) == 0) {
        const char **all = realloc(values->all, 2 * count * sizeof *all);
        if (!all)
            return false;
        all[0] = values->first;
        values->all = all;
    }
    values->all[values->count++] = value;
    return true;
}

/* ---- One field */

/* Whether a name begins with `framing` and continues: with whitespace, or with a second line of the value
 * (workarounds.h). */
static bool hides(const char *framing, const char *name, size_t name_length)
{
    size_t length = strlen(framing);

    return name_length > length && strncasecmp(name, framing, length) == 0;
}

/* Trailing whitespace does not belong to the value, but libmicrohttpd leaves it there. */
static bool is_host_value(const char *value, size_t length)
{
    while (length > 0 && span_is_blank(value[length - 1]))
        length--;
    return syntax_is_host(value, length);
}

static bool is_named(const char *name, const char *other)
{
    return strcasecmp(name, other) == 0;
}

void fields_add(struct fields *fields, const char *name, size_t name_length, const char *value,
                size_t value_length)
{
    fields->bytes += name_length + value_length + LINE_OVERHEAD;
    fields->bad_name |= !syntax_is_token(name, name_length);
    if (hides("Content-Length", name, name_length) || hides("Transfer-Encoding", name, name_length))
        fields->hidden_length = true;
    if (name_length == fields->client_header->name.length &&
        is_named(name, fields->client_header->name.at))
        fields->out_of_memory |= !field_values_add(&fields->client, value);
    switch (name_length) { /* which rules most other fields out */
    case 4:
        if (is_named(name, "Host")) {
            fields->hosts++;
            fields->host = value;
            fields->bad_host |= !is_host_value(value, value_length);
        }
        break;
    case 6:
        if (is_named(name, "Accept"))
            fields->out_of_memory |= !field_values_add(&fields->accept, value);
        else if (is_named(name, "Origin"))
            fields->origin = value;
        break;
    case 12:
        if (is_named(name, "Content-Type"))
            fields->content_type = value;
        break;
    case 13:
        if (is_named(name, "If-None-Match"))
            fields->out_of_memory |= !field_values_add(&fields->none_match, value);
        else if (is_named(name, "Cache-Control"))
            cache_directives_read(value, &fields->directives);
        else if (is_named(name, "Authorization")) {
            fields->authorizations++;
            fields->authorization = value;
        }
        break;
    case 14:
        if (is_named(name, "Content-Length")) {
            fields->lengths++;
            fields->content_length = strtoull(value, NULL, 10);
        }
        break;
    case 16:
        fields->encoded |= is_named(name, "Content-Encoding") && !is_named(value, "identity");
        break;
    case 17:
        if (is_named(name, "Transfer-Encoding")) {
            fields->encodings++;
            fields->chunked = is_named(value, "chunked");
        }
        break;
    case 29:
        fields->preflight |= is_named(name, "Access-Control-Request-Method");
        break;
    case 38:
        fields->private_network |=
            is_named(name, "Access-Control-Request-Private-Network") && is_named(value, "true");
        break;
    default:
        break;
    }
}

/* ---- All of them */

bool fields_are_ambiguous(const struct fields *fields, const char *version)
{
    return fields->hidden_length || fields->lengths > 1 || fields->encodings > 1 ||
           (fields->encodings == 1 && strcmp(version, "HTTP/1.0") == 0) ||
           (fields->encodings == 1 && (fields->lengths > 0 || !fields->chunked));
}

bool fields_announce_body(const struct fields *fields)
{
    return fields->content_length > 0 || fields->chunked || fields->hidden_length;
}

void fields_free(struct fields *fields)
{
    free(fields->accept.all);
    free(fields->client.all);
    free(fields->none_match.all);
    fields->accept = fields->client = fields->none_match = (struct field_values){0};
}
