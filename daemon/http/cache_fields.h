/* SPDX-License-Identifier: MIT */
/* The three header fields that say how fresh an answer is: Age, Cache-Control (RFC 9111, RFC 5861) and
 * Cache-Status (RFC 9211). Pure; any thread. */
#ifndef HTTP_CACHE_FIELDS_H
#define HTTP_CACHE_FIELDS_H

#include "lookup/freshness.h"

#define CACHE_FIELDS_AGE_SIZE 24
#define CACHE_FIELDS_CONTROL_SIZE 128
#define CACHE_FIELDS_STATUS_SIZE 96

/* Each writes the value of its field, with a NUL. Seconds are rounded down. */
void cache_fields_age(const struct freshness *freshness, char text[CACHE_FIELDS_AGE_SIZE]);
void cache_fields_control(const struct freshness *freshness, char text[CACHE_FIELDS_CONTROL_SIZE]);
void cache_fields_status(const struct freshness *freshness, char text[CACHE_FIELDS_STATUS_SIZE]);

#endif
