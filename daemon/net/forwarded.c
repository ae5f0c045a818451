/* SPDX-License-Identifier: MIT */
#include "net/forwarded.h"

#include "net/node.h"
#include "net/syntax.h"

#define NODE_SIZE 128 /* bytes of an address with escaped characters in it */

/* ---- From the right */

/* Whether the byte at `offset` is behind an odd number of backslashes. */
static bool is_escaped(const char *text, size_t offset)
{
    size_t start = offset;

    while (start > 0 && text[start - 1] == '\\')
        start--;
    return (offset - start) % 2 == 1;
}

/* The offset of the quote that opens the quoted string which is closed at `closing`; 0 when there is none, so
 * that the element is malformed. */
static size_t opening_quote(const char *text, size_t closing)
{
    for (size_t at = closing; at-- > 0;)
        if (text[at] == '"' && !is_escaped(text, at))
            return at;
    return 0;
}

size_t forwarded_last(struct span text)
{
    size_t start = text.length;

    while (start > 0 && text.at[start - 1] != ',') {
        start--;
        if (text.at[start] == '"')
            start = opening_quote(text.at, start);
    }
    return start;
}

/* ---- One element, from the left */

struct pair {
    struct span name;
    struct span value; /* of a quoted string, what is between the quotes */
};

static bool is_name_char(char byte)
{
    return syntax_is_token(&byte, 1);
}

/* In a value without quotes. */
static bool is_value_char(char byte)
{
    return is_name_char(byte) || byte == ':' || byte == '[' || byte == ']';
}

static struct span take_run(struct span *rest, bool (*is_part)(char byte))
{
    struct span run = {rest->at, 0};

    while (run.length < rest->length && is_part(run.at[run.length]))
        run.length++;
    *rest = span_from(*rest, run.length);
    return run;
}

static bool is_control(char byte)
{
    return ((unsigned char)byte < ' ' && byte != '\t') || byte == 0x7f;
}

/* After the opening quote. False when there is no closing one. */
static bool take_quoted(struct span *rest, struct span *value)
{
    for (size_t i = 0; i < rest->length && !is_control(rest->at[i]); i++) {
        if (rest->at[i] == '"') {
            *value = (struct span){rest->at, i};
            *rest = span_from(*rest, i + 1);
            return true;
        }
        if (rest->at[i] == '\\' && (++i == rest->length || is_control(rest->at[i])))
            return false;
    }
    return false;
}

static bool take_pair(struct span *rest, struct pair *pair)
{
    pair->name = take_run(rest, is_name_char);
    if (pair->name.length == 0 || !span_skip(rest, "="))
        return false;
    if (span_skip(rest, "\""))
        return take_quoted(rest, &pair->value);
    pair->value = take_run(rest, is_value_char);
    return pair->value.length > 0;
}

/* Finds the value of "for". False when the element is malformed, or there is not exactly one. */
static bool find_for(struct span element, struct span *value)
{
    struct span rest = element;
    struct pair pair;
    unsigned found = 0;

    for (;;) {
        rest = span_trim(rest);
        if (rest.length > 0 && rest.at[0] != ';') {
            if (!take_pair(&rest, &pair))
                return false;
            if (span_equals_nocase(pair.name, "for")) {
                *value = pair.value;
                found++;
            }
            rest = span_trim(rest);
        }
        if (rest.length == 0)
            return found == 1;
        if (!span_skip(&rest, ";"))
            return false;
    }
}

bool forwarded_address(struct span element, struct p0f_addr *addr)
{
    char node[NODE_SIZE];
    struct span value;
    size_t length = 0;

    if (!find_for(element, &value))
        return false;
    if (!memchr(value.at, '\\', value.length))
        return node_parse(value, NODE_PORT_OBFUSCATED, addr);
    for (size_t i = 0; i < value.length; i++) {
        i += value.at[i] == '\\';
        if (length == sizeof node)
            return false;
        node[length++] = value.at[i];
    }
    return node_parse((struct span){node, length}, NODE_PORT_OBFUSCATED, addr);
}
