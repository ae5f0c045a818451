/* SPDX-License-Identifier: MIT */
/* What p0f_conn_detach() does to a connection. Private to the library. */
#ifndef CONN_PRIVATE_H
#define CONN_PRIVATE_H

#include "p0fclient.h"

/* From now on, calls no callbacks. */
void p0f_conn_silence(struct p0f_conn *conn);

/* Closes and frees it whatever is outstanding, since another process has the socket open. Pending queries
 * are told P0F_DISCONNECTED. */
void p0f_conn_drop(struct p0f_conn *conn);

#endif
