/* SPDX-License-Identifier: MIT */
/* Whose request it is: the connection's other end, or whom a trusted proxy there speaks for. Private
 * to the HTTP side. */
#ifndef HTTP_CLIENT_ADDRESS_H
#define HTTP_CLIENT_ADDRESS_H

#include "http/request.h"

enum client_address {
    CLIENT_ADDRESS_FOUND,
    CLIENT_ADDRESS_HIDDEN, /* a unix socket, and no address in X-Forwarded-For */
    CLIENT_ADDRESS_NO_MEMORY,
};

/* Sets *addr with CLIENT_ADDRESS_FOUND. In the handler only, as it reads the header fields. */
enum client_address client_address(const struct request *request, struct p0f_addr *addr);

/* The same for those who take callers without an address as they come: `addr`, or NULL. */
const struct p0f_addr *client_address_if_known(const struct request *request,
                                               struct p0f_addr *addr);

#endif
