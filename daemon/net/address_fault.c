/* SPDX-License-Identifier: MIT */
/* Takes off what people and programs put around an address, piece by piece, until an address is left: the
 * first piece is what is wrong, and the address what was meant. If none is left, the shape of what remains
 * tells. */
#include "net/address_fault.h"

#include "core/number.h"
#include "core/percent.h"
#include "net/host_port.h"
#include "p0fclient.h"

#include <stdio.h>

/* Strangers choose the text, and a batch has many: no more work than this. */
#define TEXT_MAX 256 /* bytes */
#define PIECES_MAX 6

#define NOT_AN_ADDRESS "not an IPv4 or IPv6 address"

#define DIGITS "0123456789"
#define HEX DIGITS "abcdefABCDEF"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Whether `set`, which has no NUL, contains the byte. */
static bool is_one_of(char byte, const char *set)
{
    return byte != '\0' && strchr(set, byte);
}

/* How many bytes of `set` it begins with. */
static size_t leading(struct span text, const char *set)
{
    size_t count = 0;

    while (count < text.length && is_one_of(text.at[count], set))
        count++;
    return count;
}

/* The offset of the first of `set`, or the length. */
static size_t find_any(struct span text, const char *set)
{
    size_t at = 0;

    while (at < text.length && !is_one_of(text.at[at], set))
        at++;
    return at;
}

static size_t count_byte(struct span text, char byte)
{
    size_t count = 0;

    for (size_t i = 0; i < text.length; i++)
        count += text.at[i] == byte;
    return count;
}

static bool is_address(struct span text)
{
    struct p0f_addr addr;

    return p0f_addr_parse(text.at, text.length, &addr) == P0F_OK;
}

/* ---- What is put around addresses. Each takes something off and says what that was, or returns NULL. */

static bool ends_with(struct span text, const char *end)
{
    size_t length = strlen(end);

    return text.length >= length && memcmp(text.at + text.length - length, end, length) == 0;
}

/* On either side. */
static bool cut(struct span *text, const char *piece)
{
    if (span_skip(text, piece))
        return true;
    if (!ends_with(*text, piece))
        return false;
    text->length -= strlen(piece);
    return true;
}

/* All of these pieces. False if there is none. */
static bool cut_any(struct span *text, const char *const *pieces, size_t count)
{
    size_t before = text->length;

    for (size_t i = 0; i < count;)
        i = cut(text, pieces[i]) ? 0 : i + 1;
    return text->length < before;
}

static const char *peel_invisible(struct span *text)
{
    static const char *const blanks[] = {" ",  "\t", "\r",      "\n",
                                         "\v", "\f", "\xc2\xa0" /* no-break space */};
    static const char *const marks[] = {"\xe2\x80\x8b" /* zero-width space */,
                                        "\xe2\x80\x8e" /* left-to-right mark */};

    if (cut(text, "\xef\xbb\xbf"))
        return "a byte order mark (BOM) is not part of an address";
    if (cut_any(text, blanks, sizeof blanks / sizeof blanks[0]))
        return "leading or trailing whitespace";
    if (cut_any(text, marks, sizeof marks / sizeof marks[0]))
        return "an invisible character before or after the address";
    return NULL;
}

static const char *peel_punctuation(struct span *text)
{
    static const char *const marks[] = {"\"", "'", "`", "<", ">", "(", ")",
                                        "{",  "}", ",", ";", "+", "="};

    if (cut_any(text, marks, sizeof marks / sizeof marks[0]))
        return "punctuation before or after the address";
    if (ends_with(*text, ".")) {
        text->length--;
        return "a full stop after the address";
    }
    return NULL;
}

static const char *peel_url(struct span *text)
{
    size_t scheme = leading(*text, LETTERS DIGITS "+-.");
    struct span rest = span_from(*text, scheme);

    if (scheme == 0 || !span_skip(&rest, "://"))
        return NULL;
    rest.length = find_any(rest, "/?#");
    size_t user = find_any(rest, "@");
    *text = user < rest.length ? span_from(rest, user + 1) : rest;
    return "a URL is not an address";
}

/* "192.0.2.1&format=raw" */
static const char *peel_parameters(struct span *text)
{
    size_t mark = find_any(*text, "?&#");

    if (mark == text->length)
        return NULL;
    text->length = mark;
    return "parameters are not part of an address";
}

static const char *peel_slash(struct span *text)
{
    size_t slash = find_any(*text, "/");

    if (slash == text->length)
        return NULL;
    struct span after = span_from(*text, slash + 1);
    if (slash == 0) {
        *text = after;
        return "a leading slash is not part of an address";
    }
    text->length = slash;
    if (after.length == 0)
        return "a trailing slash is not part of an address";
    if (leading(after, DIGITS) == after.length || is_address(after)) /* a prefix, or a netmask */
        return "a network is not an address";
    return "a slash is not part of an address";
}

static const char *peel_zone(struct span *text)
{
    size_t percent = find_any(*text, "%");

    if (percent == text->length)
        return NULL;
    text->length = percent;
    return "a zone is not part of an address";
}

static const char *peel_port(struct span *text)
{
    struct span host, port;

    host_port_split(*text, &host, &port);
    if (!port.at || host.length == 0 || number_digits(port) < port.length)
        return NULL;
    *text = host;
    return "a port is not part of an address";
}

static const char *peel_bracket(struct span *text)
{
    static const char *const brackets[] = {"[", "]"};

    return cut_any(text, brackets, 2) ? "the brackets do not match" : NULL;
}

static const char *peel(struct span *text)
{
    static const char *(*const peels[])(struct span * text) = {
        peel_invisible, peel_punctuation, peel_url,  peel_parameters,
        peel_slash,     peel_zone,        peel_port, peel_bracket,
    };
    const char *why = NULL;

    for (size_t i = 0; !why && i < sizeof peels / sizeof peels[0]; i++)
        why = peels[i](text);
    return why;
}

/* ---- What is left when nothing can be taken off */

static const char *explain_v4_part(struct span part)
{
    uint64_t number;

    if (part.length > 1 && (part.at[1] == 'x' || part.at[1] == 'X'))
        return "the parts of an IPv4 address are decimal, not hexadecimal";
    if (part.length > 1 && part.at[0] == '0')
        return "an IPv4 part has a leading zero, which makes it octal to some programs";
    if (part.length == 0)
        return "an IPv4 part is empty";
    return number_parse(part, 255, &number) ? NULL : "an IPv4 part is greater than 255";
}

static const char *explain_v4(struct span text)
{
    struct span rest = text;
    const char *why = NULL;

    if (count_byte(text, '.') < 3)
        return "an IPv4 address has four parts, this has fewer";
    if (count_byte(text, '.') > 3)
        return "an IPv4 address has four parts, this has more";
    while (!why && rest.length > 0)
        why = explain_v4_part(span_split(&rest, '.'));
    return why ? why : NOT_AN_ADDRESS;
}

/* The number of "::"; ":::" counts as two. */
static size_t count_gaps(struct span text)
{
    size_t count = 0;

    for (size_t i = 1; i < text.length; i++)
        count += text.at[i - 1] == ':' && text.at[i] == ':';
    return count;
}

static const char *explain_groups(struct span text)
{
    bool dotted = count_byte(text, '.') > 0, gap = count_gaps(text) > 0;
    size_t colons = count_byte(text, ':'), expected = dotted ? 6 : 7;

    for (struct span rest = text; rest.length > 0;) {
        struct span group = span_split(&rest, ':');
        if (group.length > 4 && count_byte(group, '.') == 0)
            return "an IPv6 group has more than four digits";
        if (count_byte(group, '.') > 0)
            return rest.length > 0     ? "only the end of an IPv6 address may be dotted decimal"
                   : is_address(group) ? "an IPv6 address has eight groups"
                                       : explain_v4(group);
    }
    if (!gap && colons < expected)
        return "an IPv6 address has eight groups, or :: for some of them";
    if (colons > expected)
        return "an IPv6 address has eight groups, this has more";
    return NOT_AN_ADDRESS;
}

static const char *explain_v6(struct span text)
{
    if (leading(text, HEX ":.") < text.length)
        return NOT_AN_ADDRESS;
    return count_gaps(text) > 1 ? "an IPv6 address can have :: only once" : explain_groups(text);
}

/* Two with a separator between them. */
static bool is_list(struct span text)
{
    static const char separators[] = ",; \t\r\n-|";
    size_t first = find_any(text, separators);

    if (first == text.length)
        return false;
    struct span rest = span_from(text, first);
    rest = span_from(rest, leading(rest, separators));
    rest.length = find_any(rest, separators);
    return is_address((struct span){text.at, first}) && is_address(rest);
}

static bool is_printable(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < ' ' || text.at[i] > '~')
            return false;
    return true;
}

static const char *explain_shape(struct span text)
{
    if (memchr(text.at, '\0', text.length))
        return "a NUL byte is not part of an address";
    if (is_list(text))
        return "more than one address";
    if (!is_printable(text))
        return "a character that is not printable ASCII";
    if (text.length > 0 && leading(text, "xX" HEX ".") == text.length &&
        (leading(text, DIGITS ".") == text.length || text.at[0] == '0'))
        return explain_v4(text);
    if (count_byte(text, ':') > 0)
        return explain_v6(text);
    if (find_any(text, LETTERS) < text.length && leading(text, LETTERS DIGITS "-._") == text.length)
        return "a host name is not an address; only IP addresses can be looked up";
    return NOT_AN_ADDRESS;
}

/* ---- The whole */

/* Programs encode an address for a URL once too often, or where no URL is. */
static bool is_encoded(struct span text, char *space, size_t size, struct span *decoded)
{
    size_t length;

    if (count_byte(text, '%') == 0 || percent_decode(text, space, size, &length) != PERCENT_DECODED)
        return false;
    if (!is_address(span_trim((struct span){space, length})))
        return false;
    *decoded = (struct span){space, length};
    return true;
}

void address_fault(const char *text, size_t length, char detail[ADDRESS_FAULT_SIZE])
{
    char space[P0F_ADDR_TEXT_SIZE + 2], meant[P0F_ADDR_TEXT_SIZE];
    struct span rest = {text, length};
    const char *why = NULL;
    struct p0f_addr addr;

    if (length == 0 || length > TEXT_MAX) {
        snprintf(detail, ADDRESS_FAULT_SIZE, "%s",
                 length == 0 ? "the address is empty" : "the text is too long for an address");
        return;
    }
    if (is_encoded(rest, space, sizeof space, &rest))
        why = "percent-encoding is not part of an address";
    for (int i = 0; i < PIECES_MAX && !is_address(rest); i++) {
        const char *found = peel(&rest);
        why = why ? why : found;
    }
    if (why && p0f_addr_parse(rest.at, rest.length, &addr) == P0F_OK) {
        p0f_addr_format(&addr, meant);
        snprintf(detail, ADDRESS_FAULT_SIZE, "%s; did you mean %s?", why, meant);
    } else {
        snprintf(detail, ADDRESS_FAULT_SIZE, "%s", explain_shape(rest));
    }
}
