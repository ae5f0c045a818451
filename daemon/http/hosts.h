/* SPDX-License-Identifier: MIT */
/* POST /hosts: collects the body and has it answered. Private to the HTTP side. */
#ifndef HTTP_HOSTS_H
#define HTTP_HOSTS_H

#include "http/route.h"

/* Once its header fields are here. False when out of memory. */
bool hosts_begin(struct request *request);

/* Takes the next bytes of the body, as far as there is any use for them: of service->batch_bytes at
 * most. */
void hosts_take(struct request *request, const char *bytes, size_t length);

/* Once the body is complete. */
route_handler serve_hosts;

#endif
