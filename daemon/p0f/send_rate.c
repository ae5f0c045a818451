/* SPDX-License-Identifier: MIT */
#include "p0f/send_rate.h"

#define BURST_NS 50000000

void send_rate_start(struct send_rate *rate, struct loop *loop, void (*again)(void *ctx), void *ctx)
{
    *rate = (struct send_rate){.loop = loop, .timer = {.fire = again, .ctx = ctx}};
}

void send_rate_set(struct send_rate *rate, uint32_t max)
{
    rate->max = max;
    rate->interval_ns = max ? 1000000000 / (int64_t)max : 0;
    rate->next = loop_now(rate->loop);
}

bool send_rate_take(struct send_rate *rate)
{
    struct mono now = loop_now(rate->loop);

    if (rate->interval_ns == 0)
        return true;
    if (mono_before(mono_add_ns(now, BURST_NS), rate->next)) {
        loop_arm(rate->loop, &rate->timer, mono_add_ns(rate->next, -BURST_NS));
        return false;
    }
    if (mono_before(rate->next, now))
        rate->next = now;
    rate->next = mono_add_ns(rate->next, rate->interval_ns);
    return true;
}

void send_rate_stop(struct send_rate *rate)
{
    loop_disarm(rate->loop, &rate->timer);
}
