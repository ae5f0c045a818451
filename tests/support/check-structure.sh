#!/bin/sh
# SPDX-License-Identifier: MIT
# check-structure.sh [TREE] - the rules of README.md, "Architecture", that a grep can hold.
# Prints each line that breaks one, and ends with status 1 when there was any.
set -eu

cd "${1:-$(dirname "$0")/../..}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# rule NAME - what is piped in breaks it.
rule() {
    sed 's/^/  /' >"$dir/lines"
    [ -s "$dir/lines" ] || return 0
    echo "$1"
    cat "$dir/lines"
    touch "$dir/broken"
}

# All code as file:line:text, without what stands in comments and strings.
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

# only PATTERN FILES - lines that match, in other files than these.
only() {
    grep -E "^[^:]*:[0-9]*:.*$1" "$dir/code" | grep -vE "^($2):" || true
}

# within FILES PATTERN - lines of these files that match.
within() {
    grep -E "^($1):[0-9]*:.*$2" "$dir/code" || true
}

only '#include <microhttpd\.h>' 'daemon/http/[a-z_]*\.[ch]' | rule 'Only daemon/http knows libmicrohttpd:'
only '#include <jansson\.h>' 'daemon/(json/[a-z_]*|ops/render_status)\.c' | rule 'Only daemon/json reads and writes JSON:'
only '#include <ini\.h>' 'daemon/config/ini_file\.c' | rule 'Only daemon/config/ini_file.c reads INI files:'
only '\b(clock_gettime|gettimeofday|timespec_get|time) *\(' 'daemon/core/clock\.c' |
    rule 'Only daemon/core/clock.c reads a clock:'
only '\b(exit|_Exit|quick_exit) *\(' 'daemon/main\.c' | rule 'Only daemon/main.c exits:'

libc='arpa/inet|assert|ctype|errno|fcntl|inttypes|limits|netinet/in|poll|pthread|signal|stdalign|stdarg'
libc="$libc|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|sys/[a-z]+|time|unistd"
within 'lib/[^:]*' '#include' | grep -vE "#include <($libc)\\.h>|#include \"(p0fclient|$(
    cd lib && echo *.h | sed 's/\.h//g; s/ /|/g'))\\.h\"" | rule 'lib/ includes only libc and its own headers:'
within 'lib/[^:]*' '\b(abort|getenv|secure_getenv|syslog|perror|v?f?printf|f?puts|err|warnx?) *\(' |
    rule 'lib/ never logs, aborts or reads the environment:'

# Who may include whom: a folder of daemon/, and those that its files may include besides their own;
# "." is daemon/ itself. All may include the library's header.
while read -r folder allowed; do
    find daemon -type d -printf '%P\n' | sed 's/^$/./' | grep -qxF "$folder" ||
        echo "$folder" | rule 'The table of folders names one that there is not:'
    others=$(echo "$allowed" | sed 's/  */|/g')
    [ "$folder" = . ] && within='daemon/[a-z0-9_]*\.[ch]' || within="daemon/$folder/[a-z0-9_]*\\.[ch]"
    within "$within" '#include "' |
        grep -vE "#include \"(p0fclient\\.h|($folder${others:+|$others})/[a-z0-9_]+\\.h\")" |
        { [ "$folder" = . ] && grep -vE '#include "[a-z_]+\.h"' || cat; } |
        rule "daemon/$folder may include its own, p0fclient.h${allowed:+ and $allowed}:"
done <<'TABLE'
.      core net config p0f json lookup ops http
http   core net p0f json lookup ops
ops    core config p0f json lookup http
lookup core p0f json
json   core
p0f    core
config core net
net    core
core
TABLE
find daemon -mindepth 1 -maxdepth 1 -type d -printf '%f\n' |
    grep -vxE 'core|net|config|p0f|json|lookup|ops|http' | rule 'A folder that is not in the table:'

# No circles: neither a header nor a module, of which a .h is as good as its .c, includes by way of others
# one that includes it. The *_private.h are parts of one module, and config/ has a circle yet.
circles() {
    awk '$1 != $2' | grep -vE '_private|^config/.* config/' >"$dir/edges" || true
    tsort "$dir/edges" 2>&1 >"$dir/sorted" | grep -v 'input contains a loop' | sed 's/^tsort: //' || true
}
within 'daemon/[^:]*\.h' '#include "' | sed -nE 's|^daemon/([^:]*):[0-9]*:#include "([^"]*)"|\2 \1|p' |
    circles | rule 'These headers include each other in a circle:'
within 'daemon/[^:]*\.[ch]' '#include "' |
    sed -nE 's|^daemon/([^:]*)\.[ch]:[0-9]*:#include "([^"]*)\.h"|\2 \1|p' |
    circles | rule 'These modules include each other in a circle:'

# One function name means one thing, static ones too: otherwise grep, gdb and perf mislead.
awk -F: '{ text = $0; sub(/^[^:]*:[0-9]*:/, "", text) }
    text ~ /^[a-z].*\(/ && text !~ /;[ \t]*$/ && $1 ~ /\.c$/ {
        sub(/\(.*/, "", text); sub(/.*[ *]/, "", text)
        if (text != "" && text !~ /^(__attribute__|P0F_MUST_USE)$/) print text, $1
    }' "$dir/code" | sort -u | awk '{ files[$1] = files[$1] " " $2; count[$1]++ }
    END { for (name in count) if (count[name] > 1) print name ":" files[name] }' | sort |
    rule 'Functions of the same name:'
only '#include "config/(config|option)\.h"' 'daemon/(main|server|cmd_lookup|config/[a-z_]*)\.[ch]' |
    rule 'Modules take options of their own, not config.h:'

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
[ -n "$(table)" ] || echo 'no row found' | rule 'The table of options in daemon/:'
differ sample manual | rule 'conf/p0f-lookupd.conf (<) and its man page (>) differ:'
differ table sample | rule 'The table of options in daemon/ (<) and conf/p0f-lookupd.conf (>) differ:'

# Metrics: those that daemon/ops/prometheus.c writes are the items .It Va name of the man page, and alerts
# use no others.
written() {
    sed '/#define/d' daemon/ops/prometheus.c | grep -oE 'PREFIX "[a-z0-9_]+"|"process_[a-z0-9_]+"' |
        sed 's/PREFIX "/p0f_lookupd_/; s/"//g' | sort
}
documented() {
    sed -nE 's/^\.It Va ((p0f_lookupd|process)_[a-z0-9_]+).*/\1/p' daemon/p0f-lookupd.8 | sort
}
[ -n "$(written)" ] || echo 'no metric found' | rule 'The metrics in daemon/ops/prometheus.c:'
differ written documented | rule 'The metrics of daemon/ops/prometheus.c (<) and of daemon/p0f-lookupd.8 (>) differ:'
{ grep -oE '\b(p0f_lookupd|process)_[a-z0-9_]+' conf/p0f-lookupd.rules.yml || true; } | sed 's/_bucket$//' |
    sort -u >"$dir/used"
written | sort -u | comm -13 - "$dir/used" | rule 'conf/p0f-lookupd.rules.yml uses metrics that there are not:'

{ grep -nE '^\.[DSPB]q (An|As|At|Do|In|Is|It|Me|No|On|Us)( |$)' daemon/*.8 conf/*.5 lib/*.3 || true; } |
    rule 'Words that mandoc takes for macros, and leaves out:'

find daemon lib -name 'util*.[ch]' -o -name 'common*.[ch]' -o -name 'misc*.[ch]' -o -name 'helper*.[ch]' |
    rule 'A module is named after what it does:'
wc -l daemon/*.c daemon/*/*.c lib/*.c | awk '$2 != "total" && $1 > 400 { print $2 ": " $1 " lines" }' |
    rule 'No .c has more than 400 lines:'
awk 'FNR == 1 { start = 0 }
    /^\{/ || /^[a-z].*\) \{$/ { start = FNR; head = /^\{/ ? before : $0 }
    /^\}/ && start {
        if (FNR - start - 1 > 70) print FILENAME ":" start ": " FNR - start - 1 " lines: " head
        start = 0
    }
    /^[a-z].*\(/ { before = $0 }' daemon/*.c daemon/*/*.c lib/*.c | rule 'No function has more than 70 lines:'
{ grep -rnE '\b(sleep|usleep|nanosleep) ?\(?[0-9]' tests --include='*.py' --include='*.sh' --include='*.c' ||
    true; } | grep -v '^tests/bench/' |
    rule 'Tests wait for events, never for a while:'
git ls-files '*.c' '*.h' '*.py' '*.sh' 2>/dev/null | while read -r file; do
    [ ! -e "$file" ] || head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file"
done | rule 'Files without the SPDX line:'
find . -mindepth 1 -maxdepth 1 ! -name '.*' | sed 's|^\./||' |
    grep -vxE 'daemon|lib|conf|systemd|tests|Makefile|README\.md|LICENSE|CHANGELOG\.md|build' | rule 'At the top level stands what does not belong there:'

[ ! -e "$dir/broken" ] || exit 1
echo 'Structure: all rules hold.'
