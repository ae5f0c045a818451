#include "http_operations.h"

#include "http_queue.h"
#include "http_reply.h"

enum MHD_Result serve_livez(struct client *client)
{
    return queue_response(client, MHD_HTTP_OK, reply_alive());
}

enum MHD_Result serve_index(struct client *client)
{
    return queue_response(client, MHD_HTTP_OK, reply_index(client->service->version));
}
