/* SPDX-License-Identifier: MIT */
/* Looks up hosts in p0f-lookupd with POST /hosts, one address per line; in the response, each has its
 * own status. For a single host there is also GET /host/IP: its response is the "host" below
 * or, if p0f does not know the host, a problem document with status 404 and type
 * urn:p0f-lookupd:no-match.
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

static const char *text(json_t *object, const char *name, const char *otherwise)
{
    json_t *value = json_object_get(object, name);
    return json_is_string(value) ? json_string_value(value) : otherwise;
}

/* Returns [{"query", "status", "host" or "code" and "detail"}, ...], or anything else after it has
 * said why it failed. The caller releases it. */
static json_t *lookup(CURL *curl, const char *ips)
{
    char *body = NULL;
    size_t length;
    FILE *stream = open_memstream(&body, &length); /* libcurl writes with fwrite() */

    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ips);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, stream);
    CURLcode error = curl_easy_perform(curl);
    const char *reason = error ? curl_easy_strerror(error) : "not a response of p0f-lookupd";
    fclose(stream);
    json_t *items = json_loads(body, 0, NULL);
    free(body);
    if (!json_is_array(items))
        fprintf(stderr, "lookup: %s\n", text(items, "detail", reason));
    return items;
}

/* Returns the exit status. */
static int show(json_t *item)
{
    json_t *host = json_object_get(item, "host");
    const char *os = text(item, "detail", text(host, "os_name", "unknown OS"));
    const char *flavor = text(host, "os_flavor", "");
    json_int_t status = json_integer_value(json_object_get(item, "status"));

    printf("%s: %s%s%s\n", text(item, "query", ""), os, *flavor ? " " : "", flavor);
    return status == 200 ? 0 : status == 404 ? 1 : 2;
}

int main(int argc, char **argv)
{
    const char *base = getenv("P0F_LOOKUPD_URL");
    char url[1024], *ips = NULL;
    size_t length;
    FILE *lines = open_memstream(&ips, &length);
    CURL *curl = curl_easy_init();

    for (int i = 1; i < argc; i++)
        fprintf(lines, "%s\n", argv[i]);
    fclose(lines);
    snprintf(url, sizeof url, "%s/hosts", base ? base : "http://127.0.0.1:5030");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 2L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, curl_slist_append(NULL, "Content-Type: text/plain"));
    json_t *items = lookup(curl, ips);
    int worst = json_is_array(items) ? 0 : 2;
    for (size_t i = 0; i < json_array_size(items); i++) {
        int status = show(json_array_get(items, i));
        worst = status > worst ? status : worst;
    }
    return worst; /* and the end of the program releases what is left */
}
