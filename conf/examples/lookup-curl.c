/* SPDX-License-Identifier: MIT */
/* Looks up hosts in p0f-lookupd: one with GET /host/IP, several at once with POST /hosts.
 *
 *     cc lookup-curl.c $(pkg-config --cflags --libs libcurl jansson) -o lookup
 *     ./lookup 192.0.2.7 2001:db8::1
 *
 * The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each
 * host. Exit status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs
 * libcurl and jansson (in Debian, libcurl4-openssl-dev and libjansson-dev). */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CURL *curl;
static const char *base = "http://127.0.0.1:5030";

enum outcome { FOUND, NO_MATCH, FAILURE };

/* Sends a GET or, with a body, a POST, and sets *text to the response, which the caller frees. */
static CURLcode fetch(const char *url, const char *body, char **text)
{
    size_t length;
    FILE *stream = open_memstream(text, &length); /* libcurl writes with fwrite() */

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, stream);
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    CURLcode error = curl_easy_perform(curl);
    fclose(stream);
    return error;
}

/* Sets *answer to the response as JSON or to NULL; the caller releases it. Says why it failed. */
static enum outcome ask(const char *url, const char *body, json_t **answer)
{
    const char *type = "", *detail = "not a response of p0f-lookupd";
    char *text = NULL;
    long status = 0;
    CURLcode error = fetch(url, body, &text);

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    *answer = json_loads(text, 0, NULL);
    free(text);
    if (*answer && status == 200)
        return FOUND;
    if (json_unpack(*answer, "{s:s, s:s}", "type", &type, "detail", &detail) == 0 &&
        strcmp(type, "urn:p0f-lookupd:no-match") == 0)
        return NO_MATCH;
    fprintf(stderr, "lookup: %s\n", error ? curl_easy_strerror(error) : detail);
    return FAILURE;
}

/* What p0f knows about a host. */
static enum outcome lookup(const char *ip, json_t **host)
{
    char *escaped = curl_easy_escape(curl, ip, 0), url[1024];

    snprintf(url, sizeof url, "%s/host/%s", base, escaped);
    curl_free(escaped);
    return ask(url, NULL, host);
}

/* The same about several: an array of {"query", "status", "host" or "code" and "detail"}. */
static enum outcome lookup_all(char **ips, json_t **items)
{
    json_t *list = json_array();
    char url[1024];

    while (*ips)
        json_array_append_new(list, json_string(*ips++));
    char *body = json_dumps(list, 0);
    json_decref(list);
    snprintf(url, sizeof url, "%s/hosts", base);
    enum outcome outcome = ask(url, body, items);
    free(body);
    return outcome;
}

static const char *member(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static enum outcome show_host(const char *ip, json_t *host)
{
    const char *name = member(host, "os_name"), *flavor = member(host, "os_flavor");

    printf("%s: %s%s%s\n", ip, *name ? name : "unknown OS", *flavor ? " " : "", flavor);
    return FOUND;
}

/* An item, or the problem document that says that p0f does not know the host. */
static enum outcome show_problem(const char *ip, json_t *problem)
{
    printf("%s: %s\n", ip, member(problem, "detail"));
    return json_integer_value(json_object_get(problem, "status")) == 404 ? NO_MATCH : FAILURE;
}

static enum outcome show_items(json_t *items)
{
    enum outcome worst = FOUND;

    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *item = json_array_get(items, i), *host = json_object_get(item, "host");
        const char *ip = member(item, "query");
        enum outcome outcome = host ? show_host(ip, host) : show_problem(ip, item);
        worst = outcome > worst ? outcome : worst;
    }
    return worst;
}

static void set_up(void)
{
    const char *set = getenv("P0F_LOOKUPD_URL");

    base = set ? set : base;
    curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 2000L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* /host/.. is not / */
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER,
                     curl_slist_append(NULL, "Content-Type: application/json"));
}

int main(int argc, char **argv)
{
    json_t *answer;

    set_up();
    enum outcome outcome = argc == 2 ? lookup(argv[1], &answer) : lookup_all(argv + 1, &answer);
    if (outcome == FOUND)
        outcome = argc == 2 ? show_host(argv[1], answer) : show_items(answer);
    else if (outcome == NO_MATCH)
        show_problem(argv[1], answer);
    json_decref(answer);
    return outcome;
}
