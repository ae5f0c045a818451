/* SPDX-License-Identifier: MIT */
/* What render.c does for the other writers of hosts in this folder. */
#ifndef JSON_RENDER_PRIVATE_H
#define JSON_RENDER_PRIVATE_H

#include "core/strbuf.h"
#include "json/render.h"

/* Opens the object and appends the members of a host except for its sensor; the caller closes the object. Out of
 * memory or space: see strbuf.h. */
void render_host_members(struct strbuf *w, const struct p0f_addr *addr, const struct p0f_host *host,
                         enum render_format format);

#endif
