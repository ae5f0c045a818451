/* SPDX-License-Identifier: MIT */
/* Requests that wait in other hands: suspended, watched meanwhile for a client that goes, and resumed.
 * Private to the HTTP side. */
#ifndef HTTP_SUSPEND_H
#define HTTP_SUSPEND_H

#include "http/request.h"

/* Suspends the request, once; to be called before it is handed to another thread, which has it go on
 * with http_resume(). Then `resumed` is called for what the handler is to return, unless the client has
 * gone. In the handler only. */
void http_suspend(struct request *request, enum MHD_Result (*resumed)(struct request *request));

/* Has it noticed within some 100 ms when the client of a suspended request closes its sending side, or
 * goes altogether (`for_good`): then `end_early` is called in the lookups' loop, where it may bring about
 * the http_resume(), which has to come from there, too. To be called before the request is handed to
 * that loop. In the worker's thread. */
void http_watch(struct request *request, void (*end_early)(struct request *request, bool for_good));

/* Has a suspended request go on in its worker's thread. From then on the client may be gone at any
 * moment. Any thread. */
void http_resume(struct request *request);

/* What the handler does with a request that goes on. */
enum MHD_Result http_go_on(struct request *request);

#endif
