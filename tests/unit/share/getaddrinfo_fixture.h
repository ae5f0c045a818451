/* SPDX-License-Identifier: MIT */
/* For tests with a getaddrinfo() of their own, linked with --wrap (Makefile). */
#ifndef GETADDRINFO_FIXTURE_H
#define GETADDRINFO_FIXTURE_H

#include <netdb.h>
#include <semaphore.h>

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);

#endif
