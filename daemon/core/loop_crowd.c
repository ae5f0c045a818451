/* SPDX-License-Identifier: MIT */
#include "core/loop_crowd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct loop_crowd {
    struct loop *loop;
    struct loop_fd epoll; /* readable while one of its descriptors is ready */
    struct epoll_event events[LOOP_CROWD_SHARE];
    int event_count; /* of this round */
};

/* The kernel returns those first that it has not returned for the longest time. */
static void serve_some(void *ctx, uint32_t events)
{
    struct loop_crowd *crowd = ctx;
    int count = epoll_wait(crowd->epoll.fd, crowd->events, LOOP_CROWD_SHARE, 0);

    (void)events;
    crowd->event_count = count > 0 ? count : 0;
    for (int i = 0; i < crowd->event_count; i++) {
        struct loop_fd *watched = crowd->events[i].data.ptr;
        if (watched)
            watched->ready(watched->ctx, crowd->events[i].events);
    }
    crowd->event_count = 0;
}

struct loop_crowd *loop_crowd_new(struct loop *loop)
{
    struct loop_crowd *crowd = calloc(1, sizeof *crowd);

    if (!crowd)
        return NULL;
    crowd->loop = loop;
    crowd->epoll =
        (struct loop_fd){.fd = epoll_create1(EPOLL_CLOEXEC), .ready = serve_some, .ctx = crowd};
    if (crowd->epoll.fd >= 0 && loop_watch(loop, &crowd->epoll, EPOLLIN) == 0)
        return crowd;
    int problem = errno;
    if (crowd->epoll.fd >= 0)
        close(crowd->epoll.fd);
    free(crowd);
    errno = problem;
    return NULL;
}

void loop_crowd_free(struct loop_crowd *crowd)
{
    if (!crowd)
        return;
    loop_unwatch(crowd->loop, &crowd->epoll);
    close(crowd->epoll.fd);
    free(crowd);
}

static int control_crowd(struct loop_crowd *crowd, int operation, struct loop_fd *watched,
                         uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watched};

    return epoll_ctl(crowd->epoll.fd, operation, watched->fd, &event);
}

int loop_crowd_watch(struct loop_crowd *crowd, struct loop_fd *watched, uint32_t events)
{
    return control_crowd(crowd, EPOLL_CTL_ADD, watched, events);
}

int loop_crowd_rewatch(struct loop_crowd *crowd, struct loop_fd *watched, uint32_t events)
{
    return control_crowd(crowd, EPOLL_CTL_MOD, watched, events);
}

void loop_crowd_unwatch(struct loop_crowd *crowd, struct loop_fd *watched)
{
    control_crowd(crowd, EPOLL_CTL_DEL, watched, 0);
    for (int i = 0; i < crowd->event_count; i++)
        if (crowd->events[i].data.ptr == watched)
            crowd->events[i].data.ptr = NULL;
}
