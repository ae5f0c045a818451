/* Whose request it is: the connection's other end, or whom a trusted proxy there speaks for. Private
 * to the HTTP side. */
#ifndef HTTP_CLIENT_ADDRESS_H
#define HTTP_CLIENT_ADDRESS_H

#include "http/request.h"

enum caller {
    CALLER_FOUND,
    CALLER_HIDDEN, /* a unix socket, and no address in X-Forwarded-For */
    CALLER_NO_MEMORY,
};

/* Sets *addr with CALLER_FOUND. In the handler only, as it reads the header fields. */
enum caller http_caller(const struct client *client, struct p0f_addr *addr);

/* The same for those who take callers without an address as they come: `addr`, or NULL. */
const struct p0f_addr *http_caller_if_known(const struct client *client, struct p0f_addr *addr);

#endif
