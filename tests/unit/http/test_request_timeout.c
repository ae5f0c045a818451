/* SPDX-License-Identifier: MIT */
#include "http/request_timeout.h"

#include "../../support/c/stage.h"
#include "http/clients.h"
#include "http/direct_answer.h"

#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_S 10

static struct http_service service = {.idle_timeout = TIMEOUT_S};
static struct client client;
static struct networks *trusted;
static int peer, own;
static int answers;

/* In place of the library's: the connection is no real one. */
enum MHD_Result MHD_set_connection_option(struct MHD_Connection *connection,
                                          enum MHD_CONNECTION_OPTION option, ...)
{
    (void)connection;
    cr_assert_eq(option, MHD_CONNECTION_OPTION_TIMEOUT);
    return MHD_YES;
}

void direct_answer(struct request *request, enum problem problem, const char *detail)
{
    cr_assert_eq(request, &client.request);
    cr_assert_eq(problem, PROBLEM_REQUEST_TIMEOUT);
    cr_assert_str_eq(detail, "the rest of the request did not come within 10 seconds");
    answers++;
}

static void setup(void)
{
    int ends[2];
    char error[NETWORKS_ERROR_SIZE];

    stage_open();
    trusted = networks_parse("", error);
    service.connections = connections_new(&(struct connections_options){
        .loop = stage.loop, .max = 4, .trusted = trusted, .key = {1, 2}});
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    own = ends[0];
    peer = ends[1];
    cr_assert(connections_admit(service.connections, own, NULL));
    client = (struct client){.service = &service, .request.client = &client};
    connections_enter(service.connections, &client.entry, own);
    clients_enter(&client);
    answers = 0;
}

static void tear_down(void)
{
    clients_leave(&client);
    connections_leave(service.connections, &client.entry);
    connections_free(service.connections);
    networks_free(trusted);
    close(own);
    close(peer);
    stage_close();
}

static void pass(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        stage_pass(1000);
        request_timeout_sweep();
    }
}

static bool ended(void)
{
    char byte;

    return recv(peer, &byte, 1, 0) == 0;
}

Test(request_timeout, an_idle_connection_is_closed_in_silence, .init = setup, .fini = tear_down)
{
    pass(TIMEOUT_S);
    cr_assert_not(ended());
    pass(1);
    cr_assert(ended());
    cr_assert_eq(answers, 0);
}

/* Its bytes are there, but the library has not come to them yet. */
Test(request_timeout, a_request_at_the_last_moment_is_not_lost, .init = setup, .fini = tear_down)
{
    pass(TIMEOUT_S);
    cr_assert_eq(send(peer, "G", 1, 0), 1);
    pass(1);
    cr_assert_not(ended());
    cr_assert(request_timeout_read(&client));
    pass(TIMEOUT_S);
    cr_assert_eq(answers, 0);
}

Test(request_timeout, a_request_has_all_its_time_from_its_first_byte, .init = setup,
     .fini = tear_down)
{
    pass(TIMEOUT_S);
    cr_assert(request_timeout_read(&client));
    pass(TIMEOUT_S - 1);
    cr_assert(request_timeout_read(&client)); /* some more, which does not count */
    pass(1);
    cr_assert_eq(answers, 0);
    pass(1);
    cr_assert_eq(answers, 1);
    cr_assert_not(ended(), "the library does that");
}

Test(request_timeout, nothing_is_read_any_more_of_one_that_took_too_long, .init = setup,
     .fini = tear_down)
{
    cr_assert(request_timeout_read(&client));
    pass(TIMEOUT_S + 1);
    cr_assert_not(request_timeout_read(&client));
    pass(3 * TIMEOUT_S);
    cr_assert_eq(answers, 1, "once");
}

/* The first bytes of a request may have been read together with the one before. */
Test(request_timeout, a_request_whose_line_is_there_has_begun, .init = setup, .fini = tear_down)
{
    client.request.stage = STAGE_BODY;
    pass(TIMEOUT_S + 1);
    cr_assert_eq(answers, 1);
}

Test(request_timeout, our_own_slowness_is_not_the_clients, .init = setup, .fini = tear_down)
{
    cr_assert(request_timeout_read(&client));
    connections_arrived(&client.entry);
    client.request.stage = STAGE_WAITING;
    pass(TIMEOUT_S);
    cr_assert(request_timeout_read(&client));
    pass(2 * TIMEOUT_S);
    cr_assert_eq(answers, 0);
    cr_assert_not(ended());
}
