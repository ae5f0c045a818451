/* SPDX-License-Identifier: MIT */
#include "net/client_header.h"

#include <criterion/criterion.h>

static void expect(const char *text, enum client_header_kind kind)
{
    struct client_header header = {0};
    char error[CLIENT_HEADER_ERROR_SIZE];

    cr_assert(client_header_parse(text, &header, error), "%s: %s", text, error);
    cr_assert_eq(header.kind, kind, "%s", text);
    cr_assert_eq(header.name.at, text);
    cr_assert_eq(header.name.length, strlen(text));
}

static void expect_refused(const char *text, const char *why)
{
    struct client_header header = {0};
    char error[CLIENT_HEADER_ERROR_SIZE] = "";

    cr_assert_not(client_header_parse(text, &header, error), "%s", text);
    cr_assert_str_eq(error, why, "%s: %s", text, error);
    cr_assert_null(header.name.at);
}

Test(client_header, kinds)
{
    expect("X-Forwarded-For", CLIENT_HEADER_X_FORWARDED_FOR);
    expect("x-forwarded-FOR", CLIENT_HEADER_X_FORWARDED_FOR);
    expect("Forwarded", CLIENT_HEADER_FORWARDED);
    expect("FORWARDED", CLIENT_HEADER_FORWARDED);
    expect("X-Real-IP", CLIENT_HEADER_ADDRESS);
    expect("CF-Connecting-IP", CLIENT_HEADER_ADDRESS);
    expect("True-Client-IP", CLIENT_HEADER_ADDRESS);
    expect("Proxy-Client-IP", CLIENT_HEADER_ADDRESS);
    expect("X-Forwarded", CLIENT_HEADER_ADDRESS);
    expect("X-Forwarded-For2", CLIENT_HEADER_ADDRESS);
    expect("Hosts", CLIENT_HEADER_ADDRESS);
    expect("client_ip", CLIENT_HEADER_ADDRESS);
}

Test(client_header, what_is_no_name)
{
    expect_refused("", "it is empty");
    expect_refused("$http_x_real_ip", "a field, not a variable");
    expect_refused("X-Forwarded-For, Forwarded", "only one field");
    expect_refused("X-Real-IP:", "without the colon");
    expect_refused("X Real IP", "invalid character in a field name");
    expect_refused(" X-Real-IP", "invalid character in a field name");
    expect_refused("\"X-Real-IP\"", "invalid character in a field name");
    expect_refused("X-R\xc3\xa9"
                   "el-IP",
                   "invalid character in a field name");
}

Test(client_header, length)
{
    char name[66];

    memset(name, 'x', sizeof name);
    name[65] = '\0';
    expect_refused(name, "too long");
    name[64] = '\0';
    expect(name, CLIENT_HEADER_ADDRESS);
}

Test(client_header, fields_with_another_meaning)
{
    const char *others[] = {"Connection",
                            "keep-alive",
                            "Proxy-Connection",
                            "HTTP2-Settings",
                            "TE",
                            "Trailer",
                            "Transfer-Encoding",
                            "upgrade",
                            "Content-Length",
                            "content-type",
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
                            "Accept-Language",
                            "Access-Control-Request-Method",
                            "Cache-Control",
                            "Pragma",
                            "If-None-Match",
                            "Range",
                            "Date",
                            "Via",
                            "Max-Forwards",
                            "Sec-Fetch-Site",
                            "X-Forwarded-Host",
                            "x-forwarded-port",
                            "X-Forwarded-Prefix",
                            "X-Forwarded-Proto",
                            "X-Forwarded-Scheme",
                            "X-Forwarded-Server",
                            "X-Forwarded-Uri",
                            "X-Forwarded-Method",
                            "X-Request-Id",
                            "X-P0F-OS"};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect_refused(others[i], "this field has another meaning");
}
