/* SPDX-License-Identifier: MIT */
#include "http/client_counts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WIDTHS 3 /* prefixes counted for one connection */
#define WIDTH_IPV4 32

static const uint32_t widths[WIDTHS] = {48, 56, 64};

/* A prefix with connections. */
struct node {
    uint64_t prefix; /* the first 64 bits, in host byte order; those beyond `width` are 0 */
    uint32_t width;
    uint32_t count;
    uint32_t parent; /* the next shorter prefix, or 0 */
    uint32_t next;   /* in the bucket, or in the free list */
};

struct client_counts {
    struct hash_key key;
    uint32_t bucket_mask;
    uint32_t *buckets;  /* the first node of each; 0: empty */
    struct node *nodes; /* from 1; pages are not touched before they are needed */
    uint32_t fresh;     /* the first that has never been in use */
    uint32_t unused;    /* the head of the free list; 0: empty */
    uint32_t left;      /* connections that may still be added */
};

struct client_counts *client_counts_new(uint32_t max_connections, const struct hash_key *key)
{
    struct client_counts *counts = calloc(1, sizeof *counts);
    uint32_t buckets = 1;

    if (!counts)
        return NULL;
    while (buckets < max_connections)
        buckets *= 2;
    counts->key = *key;
    counts->bucket_mask = buckets - 1;
    counts->buckets = calloc(buckets, sizeof *counts->buckets);
    counts->nodes = malloc(((size_t)WIDTHS * max_connections + 1) * sizeof *counts->nodes);
    counts->fresh = 1;
    counts->left = max_connections;
    if (!counts->buckets || !counts->nodes) {
        client_counts_free(counts);
        return NULL;
    }
    return counts;
}

void client_counts_free(struct client_counts *counts)
{
    if (!counts)
        return;
    free(counts->buckets);
    free(counts->nodes);
    free(counts);
}

/* ---- Prefixes */

static uint64_t prefix_of(const struct p0f_addr *addr, uint32_t width)
{
    uint64_t prefix = 0;

    for (uint32_t i = 0; i < width / 8; i++)
        prefix |= (uint64_t)addr->bytes[i] << (56 - 8 * i);
    return prefix;
}

static uint32_t *count_bucket(const struct client_counts *counts, uint64_t prefix, uint32_t width)
{
    const uint64_t hashed[2] = {prefix, width};

    return &counts->buckets[hash_sip(&counts->key, hashed, sizeof hashed) & counts->bucket_mask];
}

static uint32_t take_node(struct client_counts *counts)
{
    uint32_t taken = counts->unused;

    if (taken == 0)
        return counts->fresh++;
    counts->unused = counts->nodes[taken].next;
    return taken;
}

/* Counts one more for this prefix. */
static uint32_t add_prefix(struct client_counts *counts, uint64_t prefix, uint32_t width,
                           uint32_t parent)
{
    uint32_t *bucket = count_bucket(counts, prefix, width), found = *bucket;

    while (found && (counts->nodes[found].prefix != prefix || counts->nodes[found].width != width))
        found = counts->nodes[found].next;
    if (!found) {
        found = take_node(counts);
        counts->nodes[found] =
            (struct node){.prefix = prefix, .width = width, .parent = parent, .next = *bucket};
        *bucket = found;
    }
    counts->nodes[found].count++;
    return found;
}

static void remove_node(struct client_counts *counts, uint32_t gone)
{
    struct node *node = &counts->nodes[gone];
    uint32_t *at = count_bucket(counts, node->prefix, node->width);

    while (*at != gone)
        at = &counts->nodes[*at].next;
    *at = node->next;
    node->next = counts->unused;
    counts->unused = gone;
}

/* ---- Connections */

uint32_t client_counts_add(struct client_counts *counts, const struct p0f_addr *addr)
{
    uint32_t client = 0;

    if (counts->left == 0)
        return 0;
    counts->left--;
    if (addr->type == 4)
        return add_prefix(counts, prefix_of(addr, WIDTH_IPV4), WIDTH_IPV4, 0);
    for (int i = 0; i < WIDTHS; i++)
        client = add_prefix(counts, prefix_of(addr, widths[i]), widths[i], client);
    return client;
}

void client_counts_remove(struct client_counts *counts, uint32_t client)
{
    if (client)
        counts->left++;
    for (uint32_t parent; client; client = parent) {
        parent = counts->nodes[client].parent;
        if (--counts->nodes[client].count == 0)
            remove_node(counts, client);
    }
}

struct client_weight client_counts_weight(const struct client_counts *counts, uint32_t client)
{
    struct client_weight weight = {{1, 1, 1}};

    for (int i = WIDTHS - 1; client && i >= 0; i--) {
        weight.counts[i] = counts->nodes[client].count;
        if (counts->nodes[client].parent)
            client = counts->nodes[client].parent;
    }
    return weight;
}

int client_weight_compare(const struct client_weight *a, const struct client_weight *b)
{
    for (int i = 0; i < WIDTHS; i++)
        if (a->counts[i] != b->counts[i])
            return a->counts[i] > b->counts[i] ? 1 : -1;
    return 0;
}
