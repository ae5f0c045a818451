/* SPDX-License-Identifier: MIT */
/* Timestamps as RFC 3339 has them, in UTC: "2023-11-14T22:13:20Z". Pure. */
#ifndef CORE_RFC3339_H
#define CORE_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

#define RFC3339_SIZE sizeof "9999-12-31T23:59:59Z" /* every timestamp has this length */

/* Writes Unix seconds as text, with its NUL. False, with an empty text, for a time before 1970 or
 * after the year 9999. */
bool rfc3339_format(int64_t seconds, char text[RFC3339_SIZE]);

#endif
