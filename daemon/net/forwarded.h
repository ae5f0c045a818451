/* SPDX-License-Identifier: MIT */
/* Elements of the header field Forwarded (RFC 7239): for=192.0.2.43;proto=http, for="[2001:db8::1]:80".
 *
 * They are split off from the right. The element that a proxy of ours has appended is on the same line as
 * what a visitor has sent, and to its right: read from the left, an open quote or a backslash of the
 * visitor's would change what our proxy's element means. Read from the right, a well-formed element means the
 * same whatever is to its left. Pure; the work is bounded by the length of the text. */
#ifndef NET_FORWARDED_H
#define NET_FORWARDED_H

#include "core/span.h"
#include "p0fclient.h"

/* The offset of the last element: behind the last comma that is not in a quoted string, or 0. */
size_t forwarded_last(struct span text);

/* The address in the "for" of an element, which is trimmed and not empty. False, with *addr unchanged, when
 * the element is malformed, has no "for" or several, or has one that is not an address: "unknown" or an
 * obfuscated name ("_hidden").
 *
 * More is accepted than RFC 7239 allows where proxies send it and its meaning is plain: blanks around a
 * semicolon; colons and brackets in a value that is not quoted (for=[2001:db8::1]:80, host=example.org:80);
 * an IPv6 address without brackets; a zone. */
bool forwarded_address(struct span element, struct p0f_addr *addr);

#endif
