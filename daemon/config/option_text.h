/* SPDX-License-Identifier: MIT */
/* Validates settings of the text types. Pure, except for allocation. Any thread. */
#ifndef CONFIG_OPTION_TEXT_H
#define CONFIG_OPTION_TEXT_H

#include <stdbool.h>

#define OPTION_EXPECTED_SIZE 256

/* False when `value` is not valid, and `expected` says what is; or with errno ENOMEM. */
typedef bool option_text_fn(const char *value, char expected[OPTION_EXPECTED_SIZE]);

option_text_fn option_text_sockets;
option_text_fn option_text_file;
option_text_fn option_text_listen;
option_text_fn option_text_listen_tcp;
option_text_fn option_text_listen_unix;
option_text_fn option_text_networks;
option_text_fn option_text_origins;
option_text_fn option_text_server_names;
option_text_fn option_text_client_header;
option_text_fn option_text_group;
option_text_fn option_text_redis_urls;
option_text_fn option_text_sensor;
option_text_fn option_text_prefix;

#endif
