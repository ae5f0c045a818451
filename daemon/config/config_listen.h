/* SPDX-License-Identifier: MIT */
/* The settings that say where to listen, checked together and made ready for net/listener.h. */
#ifndef CONFIG_CONFIG_LISTEN_H
#define CONFIG_CONFIG_LISTEN_H

#include "config/config.h"
#include "net/listener.h"

/* Those of HTTP. Borrows from `config`. Looks up http.socket_group, as socket_access_find_group() does:
 * false with its errno, and with a message in `error`. */
bool config_listen_http(const struct config *config, struct listeners_options *options,
                        char error[CONFIG_ERROR_SIZE]);

/* Those of TLS: no addresses ("") without it. Borrows from `config`. */
struct listeners_options config_listen_tls(const struct config *config);

/* Likewise those of the relay: no addresses ("") without one. */
bool config_listen_relay(const struct config *config, struct listeners_options *options,
                         char error[CONFIG_ERROR_SIZE]);

/* Checks what config_load() cannot: that the addresses are allowed, and that no two sockets have the same
 * path; if `resolve`, also that names can be resolved and that the groups exist, which can take long. False
 * with errno as of listeners_parse(), and with a message in `error` that names the setting and where it
 * was read. */
bool config_listen_check(const struct config *config, bool resolve, char error[CONFIG_ERROR_SIZE]);

#endif
