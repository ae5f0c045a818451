/* SPDX-License-Identifier: MIT */
#include "http/access.h"

#include <sys/socket.h>

/* After the scheme, which is in any case. False if the field is of another one. */
static bool read_credentials(const char *field, struct span *token)
{
    struct span rest = span_trim(span_of(field));

    if (!span_skip_nocase(&rest, "Bearer") || (rest.length > 0 && !span_is_blank(rest.at[0])))
        return false;
    *token = span_trim(rest);
    return true;
}

/* What the client has sent, as far as there is a token in it. With several fields it is unclear which one
 * a proxy in front has looked at. */
static enum access judge_token(const struct request *request, const struct tokens *tokens,
                               enum token_role *role)
{
    const struct fields *fields = &request->fields;
    struct span token;

    if (fields->authorizations > 1)
        return ACCESS_BAD_TOKEN;
    if (!fields->authorization || !read_credentials(fields->authorization, &token))
        return ACCESS_NO_TOKEN;
    if (!tokens_find(tokens, token, role))
        return ACCESS_BAD_TOKEN;
    return token_role_permits(*role) & request->target.route->needs ? ACCESS_GRANTED
                                                                    : ACCESS_BAD_ROLE;
}

void access_check(struct request *request)
{
    const struct tokens *tokens = worker_tokens_in_force(request->client->tokens);

    if (tokens && request->target.route->needs && !request->client->local)
        request->access = judge_token(request, tokens, &request->role);
}

bool access_varies(const struct request *request)
{
    return request->client->tokens->tokens && request->target.route->needs;
}

bool access_is_local(int fd)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof name;

    return getsockname(fd, (struct sockaddr *)&name, &length) == 0 && name.ss_family == AF_UNIX;
}
