/* SPDX-License-Identifier: MIT */
#include "net/node.h"

#include <criterion/criterion.h>

static bool is_node(const char *text, enum node_port ports)
{
    const struct p0f_addr before = {.type = 6, .bytes = {1}};
    struct p0f_addr addr = before;

    if (node_parse(span_of(text), ports, &addr))
        return true;
    cr_assert_eq(memcmp(&addr, &before, sizeof before), 0, "%s", text);
    return false;
}

Test(node, obfuscated_ports)
{
    cr_assert(is_node("192.0.2.1:_x", NODE_PORT_OBFUSCATED));
    cr_assert(is_node("192.0.2.1:80", NODE_PORT_OBFUSCATED));
    cr_assert(is_node("192.0.2.1", NODE_PORT_OBFUSCATED));
    cr_assert_not(is_node("192.0.2.1:_x", NODE_PORT_NUMBER));
    cr_assert(is_node("192.0.2.1:80", NODE_PORT_NUMBER));
}

Test(node, empty)
{
    struct p0f_addr addr;

    cr_assert_not(is_node("", NODE_PORT_NUMBER));
    cr_assert_not(is_node(":80", NODE_PORT_NUMBER));
    cr_assert_not(is_node("[]", NODE_PORT_NUMBER));
    cr_assert_not(node_parse((struct span){NULL, 0}, NODE_PORT_OBFUSCATED, &addr));
}
