/* SPDX-License-Identifier: MIT */
#include "share/slots.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* ---- Keys: the values are those of CLUSTER KEYSLOT. */

static unsigned slot(const char *key)
{
    return slot_of_key(key, strlen(key));
}

Test(slots, keys)
{
    cr_assert_eq(slot("123456789"), 12739);
    cr_assert_eq(slot("foo"), 12182);
    cr_assert_eq(slot("bar"), 5061);
    cr_assert_eq(slot("hello"), 866);
    cr_assert_eq(slot(""), 0);
    cr_assert_eq(slot("\xff\xfe"), 3374);
    cr_assert_eq(slot("p0f:192.0.2.1"), 9064);
    cr_assert_eq(slot("p0f:2001:db8::1"), 4331);
}

Test(slots, tags)
{
    cr_assert_eq(slot("{bar}"), 5061);
    cr_assert_eq(slot("foo{bar}zap"), 5061);
    cr_assert_eq(slot("foo{bar}{zap}"), 5061);
    cr_assert_eq(slot("foo{{bar}}zap"), slot("{bar"));
    cr_assert_eq(slot("foo{}{bar}"), 8363, "an empty tag is none");
    cr_assert_neq(slot("foo{bar"), 5061, "the tag has no end");
    cr_assert_neq(slot("bar}"), 5061);
    cr_assert_eq(slot_of_key("{bar}", 4), slot("{bar"), "no byte beyond the end");
    cr_assert_eq(slot_of_key("{", 1), slot("{"));
}

/* ---- The map */

static struct slot_map map;

static bool read_map(const char *bytes, size_t length)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    cr_assert_eq(redisReaderFeed(reader, bytes, length), REDIS_OK);
    cr_assert_eq(redisReaderGetReply(reader, &reply), REDIS_OK);
    cr_assert_not_null(reply, "not a whole reply");
    memset(&map, 0x55, sizeof map);
    bool ok = slot_map_read(reply, &map);
    freeReplyObject(reply);
    redisReaderFree(reader);
    return ok;
}

static bool read_text(const char *text)
{
    return read_map(text, strlen(text));
}

#define SERVER(host, port) "*2\r\n" host ":" #port "\r\n"
#define RANGE(first, last, server) "*3\r\n:" #first "\r\n:" #last "\r\n" server
#define A "$8\r\n10.0.0.1\r\n"
#define B "$8\r\n10.0.0.2\r\n"

Test(slots, a_whole_cluster)
{
    cr_assert(read_text("*3\r\n" RANGE(0, 5460, SERVER(A, 7000)) RANGE(5461, 10922, SERVER(B, 7000))
                            RANGE(10923, 16383, SERVER(A, 7001))));
    cr_assert_eq(map.count, 3);
    cr_assert_str_eq(map.servers[1].host, "10.0.0.2");
    cr_assert_eq(map.servers[2].port, 7001);
    cr_assert_eq(map.owner[0], 0);
    cr_assert_eq(map.owner[5460], 0);
    cr_assert_eq(map.owner[5461], 1);
    cr_assert_eq(map.owner[10922], 1);
    cr_assert_eq(map.owner[10923], 2);
    cr_assert_eq(map.owner[16383], 2);
}

Test(slots, of_a_server_with_several_ranges)
{
    cr_assert(read_text("*2\r\n" RANGE(0, 0, SERVER(A, 7000)) RANGE(2, 2, SERVER(A, 7000))));
    cr_assert_eq(map.count, 1);
    cr_assert_eq(map.owner[0], 0);
    cr_assert_eq(map.owner[1], SLOT_UNOWNED);
    cr_assert_eq(map.owner[2], 0);
    cr_assert_eq(map.owner[3], SLOT_UNOWNED);
}

Test(slots, replicas_and_what_a_later_version_adds_are_ignored)
{
    cr_assert(read_text("*1\r\n*5\r\n:0\r\n:16383\r\n*4\r\n" A
                        ":7000\r\n$2\r\nid\r\n*2\r\n$8\r\nhostname\r\n"
                        "$1\r\nx\r\n" SERVER(B, 7000) ":7\r\n"));
    cr_assert_eq(map.count, 1);
    cr_assert_str_eq(map.servers[0].host, "10.0.0.1");
}

Test(slots, without_a_host_it_is_the_one_that_was_asked)
{
    cr_assert(read_text("*1\r\n" RANGE(0, 16383, SERVER("$0\r\n\r\n", 7000))));
    cr_assert_str_eq(map.servers[0].host, "");
    cr_assert(read_text("*1\r\n" RANGE(0, 16383, SERVER("$-1\r\n", 7000))));
    cr_assert_str_eq(map.servers[0].host, "");
}

Test(slots, of_an_unusable_address_have_no_owner)
{
    cr_assert(
        read_text("*2\r\n" RANGE(0, 9, SERVER("$1\r\n?\r\n", 7000)) RANGE(10, 19, SERVER(A, 0))));
    cr_assert_eq(map.count, 0);
    cr_assert_eq(map.owner[5], SLOT_UNOWNED);
    cr_assert_eq(map.owner[15], SLOT_UNOWNED);
}

Test(slots, none)
{
    cr_assert(read_text("*0\r\n"));
    cr_assert_eq(map.count, 0);
    cr_assert_eq(map.owner[SLOTS - 1], SLOT_UNOWNED);
}

Test(slots, of_one_server_too_many_have_no_owner)
{
    char text[8192];
    int length = sprintf(text, "*%d\r\n", SHARE_NODES_MAX + 1);

    for (int i = 0; i <= SHARE_NODES_MAX; i++)
        length += sprintf(text + length, "*3\r\n:%d\r\n:%d\r\n*2\r\n" A ":%d\r\n", i, i, 7000 + i);
    cr_assert(read_text(text));
    cr_assert_eq(map.count, SHARE_NODES_MAX);
    cr_assert_eq(map.owner[SHARE_NODES_MAX - 1], SHARE_NODES_MAX - 1);
    cr_assert_eq(map.owner[SHARE_NODES_MAX], SLOT_UNOWNED);
}

Test(slots, replies_that_are_no_map)
{
    static const char *const others[] = {
        "+OK\r\n",
        ":1\r\n",
        "$-1\r\n",
        "*-1\r\n",
        "-ERR This instance has cluster support disabled\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*0\r\n",
        "*1\r\n*-1\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n:2\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n" A,
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:7000\r\n" A,
        "*1\r\n*3\r\n:0\r\n$1\r\n1\r\n" SERVER(A, 7000),
        "*1\r\n*3\r\n$1\r\n0\r\n:1\r\n" SERVER(A, 7000),
        "*1\r\n" RANGE(2, 1, SERVER(A, 7000)),
        "*1\r\n" RANGE(-1, 1, SERVER(A, 7000)),
        "*1\r\n" RANGE(0, 16384, SERVER(A, 7000)),
        "*1\r\n" RANGE(0, 9223372036854775807, SERVER(A, 7000)),
        "*1\r\n" RANGE(0, 1, SERVER(A, 65536)),
        "*1\r\n" RANGE(0, 1, SERVER(A, -1)),
        "*1\r\n" RANGE(0, 1, SERVER("*0\r\n", 7000)),
        "*2\r\n" RANGE(0, 1, SERVER(A, 7000)) "+OK\r\n",
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_assert_not(read_text(others[i]), "%s", others[i]);
    cr_assert_not(slot_map_read(NULL, &map));
}
