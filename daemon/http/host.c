/* SPDX-License-Identifier: MIT */
#include "http/host.h"

#include "http/host_lookup.h"

enum MHD_Result serve_host(struct request *request)
{
    request->lookup.addr = request->target.addr;
    return host_lookup(request, false, host_lookup_respond);
}
