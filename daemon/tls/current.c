/* SPDX-License-Identifier: MIT */
#include "tls/current.h"

#include <pthread.h>
#include <stdlib.h>

struct tls_current {
    pthread_mutex_t lock;
    struct tls_certificate *certificate;
};

struct tls_current *tls_current_new(struct tls_certificate *certificate)
{
    struct tls_current *current = calloc(1, sizeof *current);

    if (!current) {
        tls_certificate_unref(certificate);
        return NULL;
    }
    pthread_mutex_init(&current->lock, NULL);
    current->certificate = certificate;
    return current;
}

void tls_current_free(struct tls_current *current)
{
    if (!current)
        return;
    tls_certificate_unref(current->certificate);
    pthread_mutex_destroy(&current->lock);
    free(current);
}

struct tls_certificate *tls_current_get(struct tls_current *current)
{
    pthread_mutex_lock(&current->lock);
    struct tls_certificate *certificate = tls_certificate_ref(current->certificate);
    pthread_mutex_unlock(&current->lock);
    return certificate;
}

void tls_current_set(struct tls_current *current, struct tls_certificate *certificate)
{
    pthread_mutex_lock(&current->lock);
    struct tls_certificate *before = current->certificate;
    current->certificate = certificate;
    pthread_mutex_unlock(&current->lock);
    tls_certificate_unref(before);
}
