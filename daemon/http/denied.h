/* SPDX-License-Identifier: MIT */
/* The answer to a request that has no token, or one whose role does not permit it. Private to the HTTP
 * side. */
#ifndef HTTP_DENIED_H
#define HTTP_DENIED_H

#include "http/request.h"

/* Answers a request whose `access` is not ACCESS_GRANTED: 401 or 403. Counts it, and logs it at most once a
 * second. Returns what the access handler is to return. */
enum MHD_Result respond_denied(struct request *request);

#endif
