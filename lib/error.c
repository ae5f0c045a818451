/* SPDX-License-Identifier: MIT */
/* Without a default case, so that the compiler names a missing one. */
#include "p0fclient.h"

const char *p0f_strerror(enum p0f_error error)
{
    switch (error) {
    case P0F_OK:
        return "success";
    case P0F_NO_MATCH:
        return "p0f does not know the host";
    case P0F_BAD_QUERY:
        return "p0f did not understand the query";
    case P0F_MALFORMED:
        return "p0f returned a malformed response";
    case P0F_OUT_OF_RANGE:
        return "p0f returned a value out of range";
    case P0F_WRONG_DIALECT:
        return "p0f speaks another dialect";
    case P0F_TIMEOUT:
        return "p0f did not answer in time";
    case P0F_LOST:
        return "the connection failed on the response to another query";
    case P0F_DISCONNECTED:
        return "p0f closed the connection";
    case P0F_UNREACHABLE:
        return "cannot connect to p0f";
    case P0F_FULL:
        return "too many queries are outstanding";
    case P0F_RETIRED:
        return "the connection accepts no more queries";
    case P0F_SYSTEM:
        return "out of memory or descriptors";
    case P0F_INVALID:
        return "invalid argument";
    case P0F_ADDR_EMPTY:
        return "the address is empty";
    case P0F_ADDR_TOO_LONG:
        return "the text is too long for an address";
    case P0F_ADDR_ZONE:
        return "a zone id is not part of an address";
    case P0F_ADDR_CIDR:
        return "a network is not an address";
    case P0F_ADDR_LEADING_ZERO:
        return "an IPv4 part has a leading zero";
    case P0F_ADDR_BRACKETS:
        return "the brackets do not match";
    case P0F_ADDR_SYNTAX:
        return "not an IPv4 or IPv6 address";
    }
    return "unknown error";
}
