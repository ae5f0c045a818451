/* SPDX-License-Identifier: MIT */
/* http.tls_certificate and http.tls_key. */
#ifndef CONFIG_TLS_FILES_H
#define CONFIG_TLS_FILES_H

#include "config/config.h"
#include "tls/certificate.h"

/* Reads the files that the settings name. Gives a reference in *certificate, or NULL if http.tls_listen is
 * empty. False with a message in `error` that names the setting, the file and what to do; errno is ENOMEM when
 * out of memory, EAGAIN if the next try may succeed, and EINVAL otherwise. */
bool tls_files_load(const struct config *config, struct tls_certificate **certificate,
                    char error[CONFIG_ERROR_SIZE]);

/* Calls `warn` if an administrator should know something about the certificate at `now`, in unix seconds. */
void tls_files_warn(const struct config *config, const struct tls_certificate *certificate,
                    int64_t now, void (*warn)(const char *text));

#endif
