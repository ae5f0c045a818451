/* SPDX-License-Identifier: MIT */
/* Suspended requests: they wait for another thread, while their connection is watched for clients that
 * leave. Private to the HTTP side. */
#ifndef HTTP_SUSPEND_H
#define HTTP_SUSPEND_H

#include "http/request.h"

/* Suspends the request, once; to be called before it is handed to another thread, which has it go on
 * with http_resume(). Then `resumed` is called for what the handler is to return, unless the client has
 * gone. In the handler only. */
void http_suspend(struct request *request, enum MHD_Result (*resumed)(struct request *request));

/* Watches a suspended request's connection: `end_early` is called in the lookups' loop within some 100 ms
 * when the client closes its sending side or disconnects (`for_good`). It may call http_resume(), which
 * must come from that loop, too. To be called before the request is handed to that loop. In the
 * worker's thread. */
void http_watch(struct request *request, void (*end_early)(struct request *request, bool for_good));

/* Resumes a suspended request in its worker's thread. From then on it may be gone at any moment. Any
 * thread. */
void http_resume(struct request *request);

/* To be called by the access handler for a request that has been resumed. */
enum MHD_Result http_go_on(struct request *request);

#endif
