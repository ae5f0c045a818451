/* SPDX-License-Identifier: MIT */
/* Answers that go past libmicrohttpd, which takes none before a request is complete. Private to the HTTP
 * side; in the thread that runs the library. */
#ifndef HTTP_DIRECT_ANSWER_H
#define HTTP_DIRECT_ANSWER_H

#include "http/problem.h"
#include "http/request.h"

/* Refuses a request whose line, header or body is not complete, or whose response the library has no room
 * for: sends a problem document and shuts the socket down for writing, so that whatever the library may send
 * goes nowhere. What the client still sends is read for a while once the library has closed the connection
 * (lingering_close.h). */
void direct_answer(struct request *request, enum problem problem, const char *detail);

#endif
