#!/bin/sh
# SPDX-License-Identifier: MIT
# check-structure.sh [TREE] - checks the rules of the source tree that grep and awk can check.
# Prints each rule that is broken with the lines that break it; the exit status is then 1.
# Needs no git, so that it also runs on an unpacked release and on what a commit hook exports.
set -eu

cd "${1:-$(dirname "$0")/../../..}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# rule NAME - reports each line of its input as a breach of the rule.
rule() {
    sed 's/^/  /' >"$dir/lines"
    [ -s "$dir/lines" ] || return 0
    echo "$1"
    cat "$dir/lines"
    touch "$dir/broken"
}

# All code as file:line:text, without comments and the contents of strings.
awk '
    FNR == 1 { comment = 0 }
    {
        line = $0
        text = ""
        while (line != "") {
            if (comment) {
                if (!(at = index(line, "*/"))) break
                line = substr(line, at + 2)
                comment = 0
            } else if (match(line, /\/\*|\/\/|"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047/)) {
                text = text substr(line, 1, RSTART - 1)
                token = substr(line, RSTART, 2)
                if (token == "//") { line = ""; break }
                if (token == "/*") comment = 1
                else if ($0 ~ /^#include/) text = text substr(line, RSTART, RLENGTH)
                line = substr(line, RSTART + RLENGTH)
            } else {
                text = text line
                line = ""
            }
        }
        if (text !~ /^[ \t]*$/) print FILENAME ":" FNR ":" text
    }' lib/*.[ch] daemon/*.[ch] daemon/*/*.[ch] >"$dir/code"

# only PATTERN FILES - the matching lines outside these files.
only() {
    grep -E "^[^:]*:[0-9]*:.*$1" "$dir/code" | grep -vE "^($2):" || true
}

# within FILES PATTERN - the matching lines in these files.
within() {
    grep -E "^($1):[0-9]*:.*$2" "$dir/code" || true
}

only '#include <microhttpd\.h>' 'daemon/http/[a-z_]*\.[ch]' | rule 'Only daemon/http may use libmicrohttpd:'
only '#include <jansson\.h>' 'daemon/(json/[a-z_]*\.c|ops/render_status[a-z0-9_]*\.[ch])' | rule 'Only daemon/json and daemon/ops/render_status*.c may use jansson:'
only '#include <(hiredis|async|hiredis_ssl)\.h>' 'daemon/share/[a-z_]*\.[ch]' | rule 'Only daemon/share may use hiredis:'
only '#include <ini\.h>' 'daemon/config/ini_file\.c' | rule 'Only daemon/config/ini_file.c may use inih:'
only '#include <gnutls/' 'daemon/(tls/[a-z_]*|net/tokens|cmd_health_connection)\.[ch]' |
    rule 'Only daemon/tls, daemon/net/tokens.c and the command health may use GnuTLS:'
only '\b(clock_gettime|gettimeofday|timespec_get|time) *\(' 'daemon/core/clock\.c' |
    rule 'Only daemon/core/clock.c may read a clock:'
only '\b(exit|_Exit|quick_exit) *\(' 'daemon/main\.c' | rule 'Only daemon/main.c may exit:'

libc='arpa/inet|assert|ctype|errno|fcntl|inttypes|limits|netinet/in|poll|pthread|signal|stdalign|stdarg'
libc="$libc|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|sys/[a-z]+|time|unistd"
within 'lib/[^:]*' '#include' | grep -vE "#include <($libc)\\.h>|#include \"(p0fclient|$(
    cd lib && echo *.h | sed 's/\.h//g; s/ /|/g'))\\.h\"" | rule 'lib/ may include only its own headers and those of the C library:'
within 'lib/[^:]*' '\b(abort|getenv|secure_getenv|syslog|perror|v?f?printf|f?puts|err|warnx?) *\(' |
    rule 'lib/ must not log, abort or read the environment:'

# Which folders of daemon/ the files of a folder may include; "." is daemon/ itself. All may include the
# library's header.
cat >"$dir/folders" <<'TABLE'
.      core net config p0f share json lookup ops http relay tls
http   core net p0f share json lookup ops tls
ops    core config p0f share json lookup tls
relay  core p0f lookup
lookup core p0f share json
share  core net json
json   core
p0f    core
config core net tls
net    core
tls    core
core
TABLE
while read -r folder allowed; do
    files="daemon/$folder/[a-z0-9_]*\\.[ch]" own="$folder/[a-z0-9_]+"
    [ "$folder" != . ] || files='daemon/[a-z0-9_]*\.[ch]' own='[a-z0-9_]+'
    within "$files" '#include "' | grep -vE "#include \"(p0fclient|$own|($(echo "$allowed" | tr -s ' ' '|'))/[a-z0-9_]+)\\.h\"" |
        rule "daemon/$folder may include only its own headers, p0fclient.h${allowed:+ and those of $allowed}:"
done <"$dir/folders"
cut -d ' ' -f 1 "$dir/folders" | sort >"$dir/listed"
find daemon -type d -printf '%P\n' | sed 's/^$/./' | sort >"$dir/present"
comm -3 "$dir/listed" "$dir/present" | rule 'Not both in daemon/ and in the table of folders of check-structure.sh:'

awk '{ for (i = 2; i <= NF; i++) print $i, $1 }' "$dir/folders" | tsort 2>&1 >/dev/null |
    sed -nE 's/^tsort: ([^ ]*)$/\1/p' | rule 'These folders include each other in a circle:'

# No circle of includes: a module, which is a .h with its .c, includes none that includes it, be it by way
# of others. A *_private.h is part of the module that it is named after.
within 'daemon/[^:]*\.[ch]' '#include "' |
    sed -nE 's|^daemon/([^:]*)\.[ch]:[0-9]*:#include "([^"]*)\.h"|\2 \1|p' | sed 's/_private//g' | awk '$1 != $2' |
    tsort 2>&1 >/dev/null | sed -nE 's/^tsort: ([^ ]*)$/\1/p' | rule 'These modules include each other in a circle:'

# One function name means one thing, static ones too: otherwise grep, gdb and perf mislead.
awk -F: '{ text = $0; sub(/^[^:]*:[0-9]*:/, "", text) }
    text ~ /^[a-z].*\(/ && text !~ /;[ \t]*$/ && $1 ~ /\.c$/ {
        sub(/\(.*/, "", text); sub(/.*[ *]/, "", text)
        if (text != "" && text !~ /^(__attribute__|P0F_MUST_USE)$/) print text, $1
    }' "$dir/code" | sort -u | awk '{ files[$1] = files[$1] " " $2; count[$1]++ }
    END { for (name in count) if (count[name] > 1) print name ":" files[name] }' | sort |
    rule 'Functions in different files must not have the same name:'
only '#include "config/(config|option)\.h"' 'daemon/(main|server|server_listeners|reload|modules|modules_p0f|cmd_[a-z_]*|config/[a-z_]*)\.[ch]' |
    rule 'Only main, server, server_listeners, reload, modules, modules_p0f, the commands and daemon/config may include the settings:'

# Settings: in the rows {"section", "key", TYPE, FIELD(...), "default", ... of a table in daemon/, in
# the sections and lines #key = default of the sample, and in the items .It Ic section.key = default
# of the man page. All three must have the same keys with the same defaults.
table() {
    socket=$(sed -n 's/^#define P0F_DEFAULT_SOCKET \(".*"\)$/\1/p' lib/p0fclient.h)
    sed -nE 's/^ *\{"([a-z0-9]+)", "([a-z0-9_]+)", [A-Z_]+, FIELD\([^)]*\), ("[^"]*"|[A-Z0-9_]+),.*/\1.\2 = \3/p' \
        daemon/config/*.c | sed "s|P0F_DEFAULT_SOCKET|$socket|; s/\"//g; s/ *$//" | sort
}
sample() {
    awk '/^\[.*\]$/ { section = substr($0, 2, length($0) - 2) }
        /^#[a-z_]+ =/ { sub(/^#/, ""); sub(/ *$/, ""); print section "." $0 }' conf/p0f-lookupd.conf | sort
}
manual() {
    sed -nE 's/^\.It Ic ([a-z0-9]+\.[a-z0-9_]+ =.*)$/\1/p' conf/p0f-lookupd.conf.5 | tr -d '"' | sort
}
# differ NAME NAME - what two of them print, compared.
differ() {
    "$1" >"$dir/1"
    "$2" >"$dir/2"
    diff "$dir/1" "$dir/2" | grep '^[<>]' || true
}
[ -n "$(table)" ] || echo 'no row found' | rule 'check-structure.sh cannot read the table of options in daemon/config:'
differ sample manual | rule 'Settings differ between conf/p0f-lookupd.conf (<) and its man page (>):'
differ table sample | rule 'Settings differ between the table of options in daemon/config (<) and conf/p0f-lookupd.conf (>):'

# Metrics: those that daemon/ops/prometheus*.c writes are the items .It Va name of the man page, and alerts
# use no others.
written() {
    sed '/#define/d' daemon/ops/prometheus*.c | grep -oE 'PREFIX "[a-z0-9_]+"|"process_[a-z0-9_]+"' |
        sed 's/PREFIX "/p0f_lookupd_/; s/"//g' | sort
}
documented() {
    sed -nE 's/^\.It Va ((p0f_lookupd|process)_[a-z0-9_]+).*/\1/p' daemon/p0f-lookupd.8 | sort
}
[ -n "$(written)" ] || echo 'no metric found' | rule 'check-structure.sh cannot read the metrics in daemon/ops/prometheus*.c:'
differ written documented | rule 'Metrics differ between daemon/ops/prometheus*.c (<) and daemon/p0f-lookupd.8 (>):'
{ grep -oE '\b(p0f_lookupd|process)_[a-z0-9_]+' conf/prometheus/p0f-lookupd.rules.yml || true; } | sed 's/_bucket$//' |
    sort -u >"$dir/used"
written | sort -u | comm -13 - "$dir/used" | rule 'conf/prometheus/p0f-lookupd.rules.yml uses metrics that do not exist:'

# Alerts: each is an item .It Li name of the guide.
sed -nE 's/^ *- alert: ([A-Za-z0-9]+)$/\1/p' conf/prometheus/p0f-lookupd.rules.yml | sort >"$dir/1"
sed -nE 's/^\.It Li (P0f[A-Za-z0-9]+)$/\1/p' daemon/p0f-lookupd.7 | sort >"$dir/2"
{ diff "$dir/1" "$dir/2" || true; } | grep '^[<>]' |
    rule 'Alerts differ between conf/prometheus/p0f-lookupd.rules.yml (<) and daemon/p0f-lookupd.7 (>):'

# Messages: those that daemon/ logs, and the reasons that it gives about p0f, are in the man page. Of each
# format the longest part between its conversions is looked up, if it says anything.
messages() {
    grep -zohE '(log_(info|warnx?|errx?)\(|say_reason\(reason,|snprintf\((text|reason|fault), (POOL|SHARE)_FAULT_SIZE,)[[:space:]]*("([^"\\]|\\.)*"[[:space:]]*)+' \
        daemon/*.c daemon/*/*.c | tr '\n\0' ' \n' | sed -E 's/^[^"]*"//; s/" *$//; s/" +"//g'
}
[ -n "$(messages)" ] || echo 'no message found' | rule 'check-structure.sh cannot read the messages in daemon/:'
sed -n '/^\.Sh DIAGNOSTICS/,/^\.Sh SEE/p' daemon/p0f-lookupd.8 | tr '\n' ' ' >"$dir/manual"
messages | awk -v manual="$(cat "$dir/manual")" '
    {
        count = split($0, parts, /%[-#0-9.*]*(l|ll|z)?[a-zA-Z]/)
        longest = ""
        for (i = 1; i <= count; i++) if (length(parts[i]) > length(longest)) longest = parts[i]
        if (length(longest) >= 8 && !index(manual, longest)) print
    }' | rule 'Messages that daemon/p0f-lookupd.8 does not list under DIAGNOSTICS:'

{ grep -nE '^\.[DSPB]q (An|As|At|Do|In|Is|It|Me|No|On|Us)( |$)' daemon/*.[78] conf/*.5 lib/*.3 || true; } |
    rule 'mandoc takes these words for macros and drops them (escape them with \\&):'
# In a terminal of 80 columns: a setting broken in two would be copied as two lines, which is an error.
{ grep -nE '^\.Dl .{59,}' daemon/*.[78] conf/*.5 lib/*.3 || true; } | rule 'man breaks these lines in two:'

find daemon lib -name 'util*.[ch]' -o -name 'common*.[ch]' -o -name 'misc*.[ch]' -o -name 'helper*.[ch]' |
    rule 'Name a module after what it does:'
wc -l daemon/*.c daemon/*/*.c lib/*.c | awk '$2 != "total" && $1 > 400 { print $2 ": " $1 " lines" }' |
    rule 'No .c file of daemon/ or lib/ may be longer than 400 lines:'
awk 'FNR == 1 { start = 0 }
    /^\{/ || /^[a-z].*\) \{$/ { start = FNR; head = /^\{/ ? before : $0 }
    /^\}/ && start {
        if (FNR - start - 1 > 70) print FILENAME ":" start ": " FNR - start - 1 " lines: " head
        start = 0
    }
    /^[a-z].*\(/ { before = $0 }' daemon/*.c daemon/*/*.c lib/*.c | rule 'No function may be longer than 70 lines:'
{ grep -rnE '\b(sleep|usleep|nanosleep) ?\(?[0-9]' tests --include='*.py' --include='*.sh' --include='*.c' ||
    true; } | grep -v '^tests/bench/' |
    rule 'Tests must wait for events, not sleep:'

# Unit tests stand where their module does: tests/unit/F/test_M.c or test_M_*.c tests daemon/F/M, and takes
# from the daemon only headers of that folder and of core; what else it needs is in a fixture.
for test in tests/unit/*/test_*.c; do
    folder=${test#tests/unit/}
    folder=${folder%/*}
    module=${test##*/test_}
    module=${module%.c}
    [ "$folder" = lib ] && sources=lib || sources=daemon/$folder
    while [ ! -e "$sources/$module.c" ] && [ ! -e "$sources/$module.h" ]; do
        case $module in
        *_*) module=${module%_*} ;;
        *)
            echo "$test"
            break
            ;;
        esac
    done
done | rule 'A unit test must be named after a module of the same folder:'
grep -nE '#include "[a-z0-9]+/' tests/unit/*/test_*.c |
    awk -F '[/"]' '$0 !~ "#include \"" $3 "/" && !/#include "core\//' |
    rule 'A unit test may include only headers of the folder that it tests, and of core:'

find . \( -name .git -o -path ./build -o -name __pycache__ \) -prune -o -type f \
    -regextype posix-extended -regex '.*\.([ch]|go|java|lua|mjs|php|pl|py|sh|vcl)' -print0 |
    xargs -0 awk 'FNR == 1 { if (file && !found) print file; file = FILENAME; found = 0 }
        FNR <= 2 && /SPDX-License-Identifier: MIT/ { found = 1 }
        FNR > 2 { nextfile }
        END { if (!found) print file }' | rule 'Source files without an SPDX line at the top:'
find . -mindepth 1 -maxdepth 1 ! -name '.*' | sed 's|^\./||' |
    grep -vxE 'daemon|lib|conf|systemd|tests|Makefile|README\.md|LICENSE|CHANGELOG\.md|build' | rule 'Does not belong at the top of the tree:'

[ ! -e "$dir/broken" ] || exit 1
echo 'Structure: all rules hold.'
