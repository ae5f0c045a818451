/* SPDX-License-Identifier: MIT */
#include "p0fclient.h"

const char *p0f_client_version(void)
{
    return P0FCLIENT_VERSION;
}
