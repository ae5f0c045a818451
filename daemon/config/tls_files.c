/* SPDX-License-Identifier: MIT */
#include "config/tls_files.h"

#include "config/config_private.h"

bool tls_files_load(const struct config *config, struct tls_certificate **certificate,
                    char error[CONFIG_ERROR_SIZE])
{
    const struct tls_files files = {config->http.tls_certificate, config->http.tls_key};
    char reason[TLS_ERROR_SIZE];
    bool of_key;

    *certificate = NULL;
    if (!config->http.tls_listen[0])
        return true;
    *certificate = tls_certificate_load(&files, reason, &of_key);
    return *certificate || config_refuse(config, of_key ? "http.tls_key" : "http.tls_certificate",
                                         error, "%s", reason);
}

void tls_files_warn(const struct config *config, const struct tls_certificate *certificate,
                    int64_t now, void (*warn)(const char *text))
{
    char warning[TLS_WARNING_SIZE], text[CONFIG_ERROR_SIZE];

    if (!certificate || !tls_facts_warn(tls_certificate_facts(certificate), now, warning))
        return;
    config_refuse(config, "http.tls_certificate", text, "%.300s %s", config->http.tls_certificate,
                  warning);
    warn(text);
}
