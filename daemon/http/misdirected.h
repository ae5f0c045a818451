/* SPDX-License-Identifier: MIT */
/* Requests for a name that is not ours (http.server_names): 421 (RFC 9110, 15.5.20). Private to the
 * HTTP side. */
#ifndef HTTP_MISDIRECTED_H
#define HTTP_MISDIRECTED_H

#include "http/request.h"

/* To be called once the header has been read. Never true over a unix socket, which no browser can use, and
 * where the Host is whatever the program makes up. */
bool is_misdirected(const struct request *request);

/* The answer to such a request. Returns what the access handler is to return. */
enum MHD_Result respond_misdirected(struct request *request);

#endif
