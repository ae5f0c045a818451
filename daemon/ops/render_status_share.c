/* SPDX-License-Identifier: MIT */
#include "ops/render_status_private.h"
#include "json/object.h"

/* An object of numbers. */
struct count {
    const char *name; /* NULL ends */
    uint64_t value;
};

static json_t *render_counts(const struct count *counts)
{
    json_t *object = json_object();

    for (; counts->name; counts++)
        object_add(&object, counts->name, json_integer((json_int_t)counts->value));
    return object;
}

static json_t *render_node(const struct share_node_status *node)
{
    json_t *object = json_object();

    object_add(&object, "server", object_text(node->server));
    object_add(&object, "state", json_string(share_node_state_name(node->state)));
    object_add(&object, "fault", object_text_or_null(node->fault));
    object_add(&object, "in_flight", json_integer(node->outstanding));
    object_add(&object, "reconnects", json_integer((json_int_t)node->reconnects));
    return object;
}

static json_t *render_nodes(const struct share_status *share)
{
    json_t *nodes = json_array();

    for (uint32_t i = 0; i < share->nodes; i++)
        object_append(&nodes, render_node(&share->node[i]));
    return nodes;
}

/* By sensor. */
static json_t *render_hits(const struct share_status *share)
{
    json_t *hits = json_object();

    for (uint32_t i = 0; i < share->sensors; i++)
        object_add(&hits, share->sensor[i].name, json_integer((json_int_t)share->sensor[i].hits));
    object_add(&hits, "(other)", json_integer((json_int_t)share->other_hits));
    return hits;
}

static json_t *render_share_counts(const struct share_status *share)
{
    const struct share_counts *counts = &share->counts;
    json_t *object = json_object();

    object_add(&object, "reads",
               render_counts((struct count[]){{"found", counts->reads_found},
                                              {"none", counts->reads_none},
                                              {"timeout", counts->reads_timeout},
                                              {"error", counts->reads_error},
                                              {"skipped", counts->reads_skipped},
                                              {NULL, 0}}));
    object_add(&object, "late_answers", json_integer((json_int_t)counts->late));
    object_add(&object, "writes",
               render_counts((struct count[]){{"ok", counts->writes_ok},
                                              {"error", counts->writes_error},
                                              {"unchanged", counts->writes_unchanged},
                                              {"dropped", counts->writes_dropped},
                                              {NULL, 0}}));
    object_add(&object, "hits", render_hits(share));
    object_add(&object, "fields_ignored",
               render_counts((struct count[]){{"invalid", counts->fields_invalid},
                                              {"expired", counts->fields_expired},
                                              {"cut", counts->fields_cut},
                                              {NULL, 0}}));
    object_add(
        &object, "redirects",
        render_counts((struct count[]){{"moved", counts->moved}, {"ask", counts->ask}, {NULL, 0}}));
    object_add(&object, "breaker_opened", json_integer((json_int_t)counts->breaker_opened));
    object_add(&object, "connects",
               render_counts((struct count[]){{"connected", counts->connects_ok},
                                              {"failed", counts->connects_failed},
                                              {NULL, 0}}));
    return object;
}

json_t *render_share(const struct share_status *share)
{
    json_t *object = json_object();

    object_add(&object, "up", json_boolean(share->up));
    object_add(&object, "cluster", json_boolean(share->cluster));
    object_add(&object, "nodes", render_nodes(share));
    object_add(&object, "hosts_written", json_integer(share->written));
    object_add(&object, "counts", render_share_counts(share));
    return object;
}
