/* SPDX-License-Identifier: MIT */
/* POST /hosts: collects the body, looks its hosts up, and answers. Private to the HTTP side. */
#ifndef HTTP_HOSTS_H
#define HTTP_HOSTS_H

#include "http/route.h"

/* Once the header has been received. False when out of memory. */
bool hosts_begin(struct request *request);

/* Takes the next bytes of the body, and keeps service->batch_bytes in all at most. */
void hosts_take(struct request *request, const char *bytes, size_t length);

/* Once the body has been received. */
route_handler serve_hosts;

#endif
