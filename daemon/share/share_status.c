/* SPDX-License-Identifier: MIT */
#include "share/share_status.h"

const char *share_node_state_name(enum share_node_state state)
{
    static const char *const names[SHARE_NODE_STATES] = {
        [SHARE_NODE_DOWN] = "down",
        [SHARE_NODE_CONNECTING] = "connecting",
        [SHARE_NODE_UP] = "up",
        [SHARE_NODE_OPEN] = "open",
    };

    return names[state];
}
