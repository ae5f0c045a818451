# SPDX-License-Identifier: MIT
# p0f-lookupd: answers over HTTP what p0f knows about a host. `make help` lists what can be made.

# The last release. What is built after it says how far behind the tag it is, where git knows: 0.2.0-56-g0529167.
VERSION     := 0.2.0
SOVERSION   := 1

BUILD       ?= build
DESTDIR     ?=
PREFIX      ?= /usr/local
sbindir     ?= $(PREFIX)/sbin
libdir      ?= $(PREFIX)/lib
includedir  ?= $(PREFIX)/include
mandir      ?= $(PREFIX)/share/man
docdir      ?= $(PREFIX)/share/doc/p0f-lookupd
# The prefixes of the system itself have their settings in /etc; any other keeps everything below it.
sysconfdir  ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
unitdir     ?= $(PREFIX)/lib/systemd/system
sysusersdir ?= $(PREFIX)/lib/sysusers.d
completiondir ?= $(PREFIX)/share/bash-completion/completions

# CPPFLAGS, CFLAGS and LDFLAGS of yours are added to ours, never replace them.
PKG_CONFIG  ?= pkg-config
OBJCOPY     ?= objcopy
PKGS        := libmicrohttpd jansson libsystemd inih gnutls hiredis
# TLS to the shared tier, where hiredis supports it: not on Debian 12.
TLS_PKGS    := $(shell $(PKG_CONFIG) --exists hiredis_ssl openssl 2>/dev/null && echo hiredis_ssl openssl)
WARN        := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
HARDEN      ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong
SAN         ?=
LANGUAGE    := -std=gnu11 -D_GNU_SOURCE -Ilib -Idaemon -DP0F_LOOKUPD_CONF='"$(sysconfdir)/p0f-lookupd.conf"' \
               -DOPENAPI_JSON='"$(BUILD)/daemon/http/openapi.json"'
# As system headers, since those of hiredis cause warnings.
PKG_CFLAGS  := $(subst -I,-isystem ,$(shell $(PKG_CONFIG) --cflags $(PKGS) $(TLS_PKGS) 2>/dev/null)) \
               $(if $(TLS_PKGS),-DHAVE_HIREDIS_SSL)
LIBS        := $(shell $(PKG_CONFIG) --libs $(PKGS) $(TLS_PKGS) 2>/dev/null)
TEST_LIBS   := $(shell $(PKG_CONFIG) --libs criterion 2>/dev/null)
COMPILE      = $(CC) $(LANGUAGE) $(WARN) -O2 -g -fPIC -pthread $(HARDEN) $(SAN) $(OBJ_CFLAGS) \
               $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
LINK         = $(CC) -pthread $(SAN) -Wl,-z,relro,-z,now,--as-needed $(CFLAGS) $(LDFLAGS)

# Set FULL_VERSION to build with a version of your own, a distribution's say. Exported, so that it is computed once.
ifndef FULL_VERSION
FULL_VERSION := $(patsubst v%,%,$(if $(wildcard .git),$(shell \
                  git describe --tags --match 'v$(VERSION)' --dirty 2>/dev/null)))
ifeq ($(FULL_VERSION),)
FULL_VERSION := $(VERSION)
endif
endif
export FULL_VERSION
SHOW_VERSION := -DP0F_LOOKUPD_VERSION='"$(FULL_VERSION)"'

# make V=1 shows the commands.
say          = $(if $(V),,@echo '  $(1)' &&)
objects      = $(patsubst %.c,$(BUILD)/%.o,$(1))
DAEMON_C    := $(wildcard daemon/*.c daemon/*/*.c)
LIB_C       := $(wildcard lib/*.c)
TESTS_C     := $(wildcard tests/*/*.c tests/*/*/*.c tests/*/*/*/*.c)
HEADERS     := $(wildcard daemon/*.h daemon/*/*.h lib/*.h tests/*/*.h tests/*/*/*.h tests/*/*/*/*.h)
DAEMON      := $(BUILD)/p0f-lookupd
DAEMON_A    := $(BUILD)/daemon.a
LIB_A       := $(BUILD)/lib.a
LIB_STATIC  := $(BUILD)/libp0fclient.a
LIB_MAP     := lib/libp0fclient.map
# Named by its soname, not by VERSION: an upgrade must not put it in the place of an older one that
# programs still need, libp0fclient.so.0.2.0 with the soname libp0fclient.so.0.
LIB_SO      := $(BUILD)/libp0fclient.so.$(SOVERSION)
DIST        := $(BUILD)/p0f-lookupd-$(VERSION).tar.gz

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: ALWAYS all help build-deps deps fleet-deps check-deps run run-fleet check built unit structure seeds model e2e check-asan check-tsan \
        check-valgrind check-debian12 check-debian13 check-deb12 check-deb13 check-oci12 check-oci13 \
        check-system fuzz fuzz-run bench harm soak coverage mutate lint format install install-lib uninstall dist deb clean

all: $(DAEMON) $(LIB_STATIC) $(LIB_SO) $(BUILD)/compile_commands.json

help:
	@echo 'Build and run'
	@echo '  make                 the daemon and the library, into $(BUILD)/; V=1 shows the commands'
	@echo '  make run             p0f and the daemon on IFACE (default lo) until Ctrl-C; needs root'
	@echo '  make run-fleet       three p0fs, each with a daemon, and their shared tier, in network namespaces'
	@echo '  make deps            install the Debian packages needed to build and run'
	@echo '  make build-deps      only those to build'
	@echo '  make install         into PREFIX (default /usr/local) below DESTDIR; make uninstall'
	@echo '  make install-lib     only the client library'
	@echo '  make dist            $(DIST), from the last commit'
	@echo '  make deb             Debian packages, into $(BUILD)/deb/'
	@echo '  make clean           remove $(BUILD)/'
	@echo
	@echo 'Test (see tests/README.md)'
	@echo '  make check           all of the five below; needs root, since p0f captures packets. PARTIAL=1 skips'
	@echo '                       what this machine does not allow'
	@echo '  make check-deps      install what the tests need, from Debian and from npm'
	@echo '  make unit            unit tests; T=cache runs test_cache only'
	@echo '  make structure       the rules of the source tree'
	@echo '  make seeds           the fuzz targets, on the inputs in the tree'
	@echo '  make model           the simulation, for MODEL_SEEDS and MODEL_STEPS'
	@echo '  make e2e             end-to-end tests; K=word runs those whose name has it'
	@echo
	@echo 'Test longer'
	@echo '  make check-asan      the tests under AddressSanitizer and UBSan'
	@echo '  make check-tsan      the same under ThreadSanitizer'
	@echo '  make check-valgrind  the same under valgrind: 10 minutes'
	@echo '  make check-debian12, check-debian13  both commands of README.md on a bare Debian, below $(BUILD)/'
	@echo '  make check-deb12, check-deb13  the packages: reproducible, lintian, installed and purged on a bare Debian'
	@echo '  make check-oci12, check-oci13  the container images, built and run without a container engine'
	@echo '  make check-system    the packages on Debian 12 and 13 booted with systemd-nspawn: 5 minutes; K=word, RELEASES'
	@echo '  make fuzz            each fuzz target for FUZZ_TIME seconds (default 60); TARGETS=wire runs one'
	@echo '  make coverage        the lines and branches that the tests reach'
	@echo '  make mutate          which of MUTATE_COUNT (default 300) small changes to the code no test notices'
	@echo '  make harm            what p0f and the daemon must withstand, at full size: some minutes'
	@echo '  make soak            everything at once with a real p0f, for SOAK_TIME seconds (default 600)'
	@echo '  make bench           the benchmarks'
	@echo
	@echo 'Style'
	@echo '  make format          run clang-format on all sources'
	@echo '  make lint            compiler warnings, clang-format, clang-tidy, cppcheck, shellcheck, mandoc'

# ---- Build ---------------------------------------------------------------------------------------

# Without link-time optimization, since others link LIB_STATIC.
$(BUILD)/lib/%.o: OBJ_CFLAGS := -fvisibility=hidden
$(BUILD)/lib/%.o: override CFLAGS += -fno-lto

# Those that show the version are made again when it changes, and nothing else is.
VERSIONED  := $(addprefix $(BUILD)/,daemon/main.o daemon/server.o tests/unit/http/test_openapi.o)
$(VERSIONED): OBJ_CFLAGS := $(SHOW_VERSION)
$(VERSIONED) $(BUILD)/daemon/http/openapi.json: $(BUILD)/version
# Likewise, those that may look for the settings in sysconfdir.
$(call objects,$(wildcard daemon/*.c)): $(BUILD)/sysconfdir

$(BUILD)/version: CONTENT := $(FULL_VERSION)
$(BUILD)/sysconfdir: CONTENT := $(sysconfdir)
$(BUILD)/version $(BUILD)/sysconfdir: ALWAYS
	@mkdir -p $(@D)
	@echo '$(CONTENT)' | cmp -s - $@ || echo '$(CONTENT)' > $@

$(BUILD)/%.o: %.c Makefile | $(BUILD)/.pkgs
	@mkdir -p $(@D)
	$(call say,CC    $<) $(COMPILE) -MMD -MP -c -o $@ $<

$(DAEMON): $(BUILD)/daemon/main.o $(DAEMON_A) $(LIB_A)
	$(call say,LD    $@) $(LINK) -o $@ $^ $(LIBS)

# All of the daemon but main(): what the tests link, too.
$(DAEMON_A): $(call objects,$(filter-out daemon/main.c,$(DAEMON_C)))
	$(call say,AR    $@) rm -f $@ && $(AR) rcs $@ $^

# openapi.o has it in it, which no compiler tells in a .d file. Served without the blanks that are there
# for people: each step removes the first ones that are in no string, and no string has a line break.
$(BUILD)/daemon/http/openapi.o: $(BUILD)/daemon/http/openapi.json

$(BUILD)/daemon/http/openapi.json: daemon/http/openapi.json Makefile
	@mkdir -p $(@D)
	$(call say,SED   $@) { sed -E 's|@version@|$(FULL_VERSION)|; :a; s/^(([^ "]|"([^"\]|\\.)*")*) +/\1/; ta' $< | \
		tr -d '\n' && echo; } > $@

# What the daemon and the tests link.
$(LIB_A): $(call objects,$(LIB_C))
	$(call say,AR    $@) rm -f $@ && $(AR) rcs $@ $^

# What is installed: a single object, in which everything that is not in the header is local.
$(LIB_STATIC): $(call objects,$(LIB_C))
	$(call say,LD    $@) $(CC) -r -nostdlib $(CFLAGS) -o $(@:.a=.o) $^
	@$(OBJCOPY) --localize-hidden $(@:.a=.o) && rm -f $@ && $(AR) rcs $@ $(@:.a=.o)

$(LIB_SO): $(call objects,$(LIB_C)) $(LIB_MAP)
	$(call say,LD    $@) $(LINK) -shared -Wl,-soname,$(@F),--version-script=$(LIB_MAP) \
		-o $@ $(filter %.o,$^)
	@ln -sf $(@F) $(BUILD)/libp0fclient.so

# For clangd and others: how to compile every file, built or not. The flags are the same for all, except
# that lib/ hides its symbols. A new file changes its folder.
COMPILED   := $(DAEMON_C) $(LIB_C) $(TESTS_C)
AS_JSON     = $(subst ','\'',$(subst ",\",$(subst \,\\,$(COMPILE) $(SHOW_VERSION))))

$(BUILD)/compile_commands.json: Makefile $(sort $(dir $(COMPILED)))
	@mkdir -p $(@D)
	@for file in $(COMPILED); do printf '{"directory": "%s", "file": "%s", "command": "%s -c %s"},\n' \
		'$(CURDIR)' "$$file" '$(AS_JSON)' "$$file"; done | sed '1s/^/[/; $$s/,$$/]/' > $@

# Says once what to do, instead of one missing header after the other.
$(BUILD)/.pkgs:
	@$(PKG_CONFIG) --print-errors --exists $(PKGS) || \
		{ echo 'Something to build with is missing. `make deps` installs it.' >&2; exit 1; }
	@mkdir -p $(@D) && touch $@

-include $(shell find $(BUILD) \( -name debian -o -name deb \) -prune -o -name '*.d' -type f -print 2>/dev/null)

# ---- Packages, and a first look ------------------------------------------------------------------

BUILD_DEPS := gcc libc6-dev make pkg-config \
              libmicrohttpd-dev libjansson-dev libsystemd-dev libinih-dev libgnutls28-dev libhiredis-dev libssl-dev
RUN_DEPS   := p0f curl
# The tools contain the server program, too, and start no service when they are installed.
FLEET_DEPS  = iproute2 $(shell apt-cache show valkey-tools >/dev/null 2>&1 && echo valkey-tools || echo redis-tools)
DEB_DEPS   := debhelper dpkg-dev
# What the examples in conf/examples and conf/fleet are compiled and run with.
LANGUAGE_DEPS := jq python3-redis perl php-cli golang-go default-jdk-headless libgoogle-gson-java libcurl4-openssl-dev
CHECK_DEPS := g++ libcriterion-dev python3-pytest python3-pytest-xdist python3-jsonschema python3-yaml nodejs npm \
              systemd iproute2 procps tcpreplay chromium-headless-shell $(LANGUAGE_DEPS)
BENCH_DEPS := wrk nginx-light
COVERAGE_DEPS := gcovr
VALGRIND_DEPS := valgrind
LINT_DEPS  := clang-format clang-tidy cppcheck shellcheck mandoc
INSTALL     = tests/support/sh/deps.sh

# To check with, too: what stands around the daemon. Not in CHECK_DEPS, since these packages would start
# servers. Exported, so that builds in other directories take the same. Debian 12 has no promtool and no Valkey.
SERVERS    ?= $(CURDIR)/$(BUILD)/servers
SERVER_PACKAGES := nginx nginx-common libnginx-mod-stream apache2 caddy haproxy varnish rspamd lua-socket promtool,prometheus \
                   valkey-server,redis-server valkey-tools,redis-tools
export SERVERS

build-deps:
	@$(INSTALL) $(BUILD_DEPS)

deps:
	@$(INSTALL) $(BUILD_DEPS) $(RUN_DEPS)

fleet-deps:
	@$(INSTALL) $(BUILD_DEPS) $(RUN_DEPS) $(FLEET_DEPS)

check-deps:
	@$(INSTALL) $(BUILD_DEPS) $(RUN_DEPS) $(CHECK_DEPS)
	@$(MAKE) --no-print-directory -s $(SERVERS) $(NPM_DIR)/.installed
	@$(PROBE) >/dev/null

# See tests/support/py/debian_root.py.
$(SERVERS): tests/support/sh/unpack-layer.sh $(SERVERS).packages
	@tests/support/sh/unpack-layer.sh $@ $(SERVER_PACKAGES)

$(SERVERS).packages: ALWAYS
	@mkdir -p $(@D) && { echo '$(SERVER_PACKAGES)' | cmp -s - $@ || echo '$(SERVER_PACKAGES)' > $@; }

# What daemon/http/openapi.json is validated with, shared by all builds.
NPM_DIR    ?= $(BUILD)/npm

# Its own words, which are many, are in npm.log.
$(NPM_DIR)/.installed: tests/support/npm/package.json tests/support/npm/package-lock.json
	@mkdir -p $(@D) && cp $^ $(@D)
	$(call say,NPM   $(@D)) { cd $(@D) && npm ci --cache cache --ignore-scripts --fetch-retries=1 \
		--fetch-timeout=60000 --no-audit --no-fund --no-update-notifier --loglevel=error >npm.log 2>&1 && \
		touch .installed; } || { echo "npm cannot get what checks the OpenAPI document ($$(sed -n 's/^npm error code //p' $(@D)/npm.log);" \
		'see $(@D)/npm.log): does it need a proxy or a certificate? PARTIAL=1 skips the tests.' >&2; test -n '$(PARTIAL)'; }

# What may be missing on this machine, for the tests that need it: see the script.
PARTIAL    ?=
PROBE       = PARTIAL='$(PARTIAL)' tests/support/sh/probe.sh $(NPM_DIR)

IFACE      ?= lo

run: deps
	@$(MAKE) --no-print-directory -s all
	@tests/support/sh/run.sh $(DAEMON) $(IFACE)

run-fleet: fleet-deps
	@$(MAKE) --no-print-directory -s all
	@tests/support/sh/run-fleet.sh $(DAEMON)

# ---- Tests ---------------------------------------------------------------------------------------

# T=cache, or several: the unit tests to build and run, by name.
T           = *
UNIT       := $(sort $(foreach t,$(T),$(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_$(t).c tests/unit/*/test_$(t).c))))
TARGETS    := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
SEEDS      := $(TARGETS:%=$(BUILD)/tests/fuzz/seeds_%)
FUZZERS    := $(TARGETS:%=$(BUILD)/tests/fuzz/fuzz_%)
FUZZ_TIME  ?= 60

# The p0f of all tests in C.
FAKE_P0F   := $(BUILD)/tests/support/c/fake_p0f.o
# The same for a Valkey or Redis server.
FAKE_STORE := $(BUILD)/tests/support/c/fake_store.o

# The model replaces the log, and sees what the daemon does at the calls that it wraps.
MODEL      := $(BUILD)/tests/model/model
WRAPPED    := connect close shutdown send recv getsockopt epoll_ctl epoll_wait malloc calloc realloc gather_start gather_ask gather_end share_ask share_cancel
MODEL_SEEDS ?= 1 2 3 $(shell od -An -N4 -tu4 /dev/urandom)
MODEL_STEPS ?= 200000 # for each seed

# Those that include short_memory.h, and what that wraps.
MEMORY_TESTS := relay/test_relay_memory config/test_config_memory net/test_tokens_memory lookup/test_host_record_memory http/test_batch_results_memory lookup/test_lookup_memory lib/test_query_memory tls/test_certificate_memory share/test_written_memory share/test_share_memory
MEMORY     := malloc calloc realloc aligned_alloc strdup free
$(MEMORY_TESTS:%=$(BUILD)/tests/unit/%): LINK += $(MEMORY:%=-Wl,--wrap=%)

# These look at what the module does at that call.
$(BUILD)/tests/unit/net/test_listener_mode: LINK += -Wl,--wrap=bind
$(BUILD)/tests/unit/relay/test_relay_client_writes: LINK += -Wl,--wrap=send,--wrap=epoll_ctl
$(BUILD)/tests/unit/lookup/test_recall_readers: LINK += -Wl,--wrap=pthread_rwlock_unlock
$(foreach t,resolve node_session,$(BUILD)/tests/unit/share/test_$t): LINK += -Wl,--wrap=getaddrinfo
$(BUILD)/tests/unit/core/test_loop_wait: LINK += -Wl,--wrap=epoll_wait

$(UNIT): %: %.o $(FAKE_P0F) $(FAKE_STORE) $(DAEMON_A) $(LIB_A)
	$(call say,LD    $@) $(LINK) -o $@ $^ $(LIBS) $(TEST_LIBS)

$(BUILD)/tests/fuzz/seeds_http $(BUILD)/tests/fuzz/fuzz_http: \
          $(call objects,$(wildcard tests/fuzz/http_*.c)) $(BUILD)/tests/fuzz/quiet_log.o

$(foreach t,config relay node_connection,$(BUILD)/tests/fuzz/seeds_$t $(BUILD)/tests/fuzz/fuzz_$t): $(BUILD)/tests/fuzz/quiet_log.o

$(BUILD)/tests/fuzz/seeds_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o
	$(call say,LD    $@) $(LINK) -o $@ $^ $(LIBS)

$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o
	$(call say,LD    $@) $(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(SEEDS) $(FUZZERS): $(FAKE_P0F) $(FAKE_STORE) $(DAEMON_A) $(LIB_A)

$(MODEL): $(call objects,$(wildcard tests/model/*.c)) $(FAKE_P0F) $(FAKE_STORE) $(DAEMON_A) $(LIB_A)
	$(call say,LD    $@) $(LINK) $(WRAPPED:%=-Wl,--wrap=%) -o $@ $^ $(LIBS)

# For the test that reads back with another JSON reader what is rendered.
RENDER_ANSWERS := $(BUILD)/tests/support/c/render_answers

$(RENDER_ANSWERS): %: %.o $(DAEMON_A) $(LIB_A)
	$(call say,LD    $@) $(LINK) -o $@ $^ $(LIBS)

check:
	@PARTIAL='$(PARTIAL)' tests/support/sh/probe.sh rights
	@$(MAKE) --no-print-directory check-deps
	@$(MAKE) --no-print-directory -j"$$(nproc)" built
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory structure
	@$(MAKE) --no-print-directory seeds
	@$(MAKE) --no-print-directory model
	@$(MAKE) --no-print-directory e2e

# WRAP is what our programs are run with, here and in the other tests: valgrind, say.
unit: $(UNIT)
	@for t in $(UNIT); do echo "$$t"; $(WRAP) $$t || exit 1; done

structure:
	@tests/support/sh/check-structure.sh

seeds: $(SEEDS)
	@for t in $(TARGETS); do $(WRAP) $(BUILD)/tests/fuzz/seeds_$$t tests/fuzz/seeds/$$t/* || exit 1; done

# With the default seeds, everything that can happen must have happened.
model: $(MODEL)
	@$(WRAP) $(MODEL) $(if $(filter file,$(origin MODEL_SEEDS)),-c) -n $(MODEL_STEPS) $(MODEL_SEEDS)

# Programs that the end-to-end tests use.
TOOLS      := $(addprefix $(BUILD)/tests/support/c/,busy_p0f flood hold http_load)

$(addprefix $(BUILD)/tests/support/c/,flood hold http_load): $(BUILD)/tests/support/c/load.o
$(BUILD)/tests/support/c/http_load: $(BUILD)/tests/support/c/questions.o
$(BUILD)/tests/support/c/busy_p0f: $(FAKE_P0F) $(LIB_A)
$(TOOLS): %: %.o
	$(call say,LD    $@) $(LINK) -o $@ $^

# What some of them preload into the daemon.
PRELOADED  := $(addprefix $(BUILD)/tests/support/c/,starve.so old_kernel.so suspend.so)

$(PRELOADED): %.so: %.o
	$(call say,LD    $@) $(LINK) -shared -o $@ $^

# All that is compiled for the tests: by all processors, unlike the tests, which run one after the other.
built: all $(UNIT) $(SEEDS) $(MODEL) $(RENDER_ANSWERS) $(TOOLS) $(PRELOADED)

# They mostly wait; each worker has a loopback interface of its own. Without namespaces there is only one
# worker.
E2E_WORKERS ?= 3

e2e: $(DAEMON) $(RENDER_ANSWERS) $(TOOLS) $(PRELOADED) $(SERVERS) $(NPM_DIR)/.installed
	@lacking=$$($(PROBE)) || exit 1; case $$lacking in *namespaces*) workers=0 ;; *) workers=$(E2E_WORKERS) ;; esac; \
	set -x; LACKING="$$lacking" P0F_LOOKUPD=$(CURDIR)/$(DAEMON) RENDER_ANSWERS=$(CURDIR)/$(RENDER_ANSWERS) \
		NPM_DIR=$(abspath $(NPM_DIR)) WRAP='$(WRAP)' /usr/bin/python3 -B -m pytest -q -p no:cacheprovider \
		-rs -n $$workers --dist loadfile $(if $(K),-k '$(K)') tests/e2e

# Needs debootstrap, and a mirror. The bare systems are kept in DEBIAN_DIR.
DEBIAN_DIR ?= $(BUILD)/debian

check-debian12 check-deb12 check-oci12: SUITE := bookworm
check-debian13 check-deb13 check-oci13: SUITE := trixie
check-debian12 check-debian13: CHECK := readme
check-deb12 check-deb13: CHECK := deb
check-oci12 check-oci13: CHECK := oci
check-debian12 check-debian13 check-deb12 check-deb13 check-oci12 check-oci13:
	@$(INSTALL) debootstrap
	@tests/support/sh/check-debian.sh $(SUITE) $(abspath $(DEBIAN_DIR)) $(BUILD) $(CHECK)

# K=word runs some of the tests. What is built in the systems, and the systems, are in DEBIAN_DIR, too.
RELEASES   ?= bookworm trixie

check-system:
	@$(INSTALL) debootstrap systemd-container iproute2 python3-pytest python3-pytest-xdist python3-jsonschema
	@K='$(K)' WORKERS=$(E2E_WORKERS) tests/support/sh/check-system.sh $(abspath $(DEBIAN_DIR)) $(BUILD) $(RELEASES)

SAN_FLAGS_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_FLAGS_tsan := -fsanitize=thread -Itests/support/inprocess
SAN_FLAGS_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

check-asan check-tsan: check-%: check-deps
	@$(MAKE) --no-print-directory -j"$$(nproc)" BUILD=$(BUILD)/$* HARDEN= SAN='$(SAN_FLAGS_$*)' built
	@tests/support/sh/sanitized.sh $(CURDIR)/$(BUILD)/$*/reports $(MAKE) --no-print-directory \
		BUILD=$(BUILD)/$* NPM_DIR=$(NPM_DIR) HARDEN= SAN='$(SAN_FLAGS_$*)' \
		unit seeds $(if $(filter asan,$*),model) e2e

# Counted over all tests together. Not optimized, so that a line stands for its own code.
coverage: check-deps
	@$(INSTALL) $(COVERAGE_DEPS)
	@mkdir -p $(BUILD)/coverage && find $(BUILD)/coverage -name '*.gcda' -delete
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage NPM_DIR=$(NPM_DIR) HARDEN= \
		SAN='--coverage -fprofile-update=atomic' CFLAGS='$(CFLAGS) -O0' unit seeds model e2e
	@tests/support/py/coverage.py $(BUILD)/coverage

# Some minutes. The seed is printed, and MUTATE_SEED draws the same again; MUTATE_FILES, if not all.
MUTATE_COUNT ?= 300

mutate: check-deps
	@/usr/bin/python3 -B tests/support/py/mutate.py --count=$(MUTATE_COUNT) $(MUTATE_SEED:%=--seed=%) \
		$(MUTATE_JOBS:%=--jobs=%) --directory=$(BUILD) --sanitizers='$(SAN_FLAGS_asan) -Itests/support/inprocess' $(MUTATE_FILES)

# Its options are in sanitized.sh. Some 10 minutes; K=word is some of the end-to-end tests here, too.
check-valgrind: check-deps
	@$(INSTALL) $(VALGRIND_DEPS)
	@tests/support/sh/sanitized.sh $(CURDIR)/$(BUILD)/valgrind/reports $(MAKE) --no-print-directory \
		BUILD=$(BUILD)/valgrind NPM_DIR=$(NPM_DIR) HARDEN= SAN=-Itests/support/inprocess WRAP=valgrind \
		MODEL_SEEDS='1 2 3' MODEL_STEPS=20000 unit seeds model e2e

fuzz:
	@$(INSTALL) $(BUILD_DEPS) clang
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang HARDEN= SAN='$(SAN_FLAGS_fuzz)' fuzz-run

fuzz-run: $(FUZZERS)
	@tests/support/sh/fuzz.sh $(BUILD) $(FUZZ_TIME) $(TARGETS)

BENCH      := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))

bench:
	@$(INSTALL) $(BUILD_DEPS) $(RUN_DEPS) $(BENCH_DEPS) $(FLEET_DEPS)
	@$(MAKE) --no-print-directory -s all $(BENCH)
	/usr/bin/python3 -B tests/bench/run.py $(BUILD) $(BENCH_ARGS)

$(BUILD)/bench/bare_client: $(LIB_A)
$(BUILD)/bench/quick_p0f: $(FAKE_P0F) $(LIB_A)
$(BENCH): $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o
	@mkdir -p $(@D)
	$(call say,LD    $@) $(LINK) -o $@ $^ $(LIBS)

# The tests of what p0f and the daemon must withstand, at full size.
harm: check-deps
	@$(MAKE) --no-print-directory all
	@FULL=1 PYTEST_ADDOPTS=-s $(MAKE) --no-print-directory e2e E2E_WORKERS=0 \
		K='no_harm or clients_from_hell or p0f_restart or p0f_faults or dialects or unruly_p0f or overload or attacks or connections_run_out or fair_share or operations or starved or lookup_command or framing or clients_that_go or workers or relay or sensors or share or test_fleet'

SOAK_TIME  ?= 600

soak: check-deps
	@$(MAKE) --no-print-directory all
	@SOAK_TIME=$(SOAK_TIME) PYTEST_ADDOPTS=-s $(MAKE) --no-print-directory e2e E2E_WORKERS=0 K=test_soak

# ---- Style ---------------------------------------------------------------------------------------

SOURCES    := $(DAEMON_C) $(LIB_C) $(wildcard lib/examples/*.c conf/examples/*.c) $(TESTS_C) $(HEADERS)
SCRIPTS    := .ci/run .githooks/pre-commit $(wildcard conf/bash-completion/* conf/debian/*.postinst conf/debian/*.prerm conf/debian/*.postrm \
              conf/examples/*.sh tests/support/*.sh tests/support/*/*.sh)
MANPAGES   := daemon/p0f-lookupd.7 daemon/p0f-lookupd.8 lib/libp0fclient.3 conf/p0f-lookupd.conf.5

format:
	@clang-format -i $(SOURCES)

lint:
	@$(INSTALL) $(BUILD_DEPS) $(CHECK_DEPS) $(LINT_DEPS)
	@$(MAKE) --no-print-directory -s BUILD=$(BUILD)/lint CFLAGS='$(CFLAGS) -Werror' all
	$(call say,clang-format) clang-format --dry-run -Werror $(SOURCES)
	$(call say,clang-tidy) printf '%s\n' $(DAEMON_C) $(LIB_C) | xargs -P "$$(nproc)" -I '{}' \
		clang-tidy --quiet '{}' -- $(LANGUAGE) $(PKG_CFLAGS) $(SHOW_VERSION) 2>/dev/null
	$(call say,cppcheck) cppcheck --quiet --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=normalCheckLevelMaxBranches \
		--include=/usr/include/$$($(CC) -print-multiarch)/sys/queue.h -Ilib -Idaemon daemon lib
	$(call say,shellcheck) shellcheck $(SCRIPTS)
	$(call say,mandoc) mandoc -T lint -W warning $(MANPAGES)

# ---- Installation --------------------------------------------------------------------------------

D           = $(DESTDIR)
# Those in folders of conf/, one for each program, are installed into folders of the same names.
EXAMPLES   := conf/p0f-lookupd.conf $(wildcard lib/examples/*.c)
LOOKUPS    := $(wildcard conf/examples/*)
PROGRAM_EXAMPLES := $(patsubst conf/%,%,$(filter-out $(LOOKUPS) conf/debian/% conf/bash-completion/%,$(wildcard conf/*/*)))
# What is written for the default prefix, for this one.
PLACED      = sed -e 's|/usr/local/sbin/|$(sbindir)/|' -e 's|/usr/local/share/doc/p0f-lookupd|$(docdir)|' \
              -e 's|/etc/p0f-lookupd\.conf|$(sysconfdir)/p0f-lookupd.conf|'
# The loader's cache is the system's own, so only its prefixes are in it.
LDCONFIG    = $(if $(DESTDIR),,$(if $(filter /usr /usr/local,$(PREFIX)),ldconfig || true))
# What this systemd, 252 in Debian 12, does not know yet is in a drop-in.
UNITS      := p0f.service p0f@.service p0f-lookupd.socket p0f-lookupd-tls.socket p0f-lookupd-relay.socket
SYSTEMD_VERSION ?= $(shell $(PKG_CONFIG) --modversion libsystemd 2>/dev/null)
DROP_IN    := $(if $(shell [ '$(firstword $(subst ., ,$(SYSTEMD_VERSION)))' -ge 254 ] 2>/dev/null && echo yes),p0f-lookupd.service.d/10-systemd-254.conf)
# systemd.unit(5), with /lib for systems whose /usr is not merged.
UNIT_DIRS  := /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system
# Each gets a link to the library's man page.
LIB_FUNCTIONS := $(shell sed -n 's/^ *\(p0f_[a-z_]*\);$$/\1/p' $(LIB_MAP))

install-lib: $(LIB_STATIC) $(LIB_SO)
	install -d $(D)$(libdir)/pkgconfig $(D)$(includedir) $(D)$(mandir)/man3
	install -m 644 $(LIB_STATIC) $(LIB_SO) $(D)$(libdir)
	ln -sf $(notdir $(LIB_SO)) $(D)$(libdir)/libp0fclient.so
	install -m 644 lib/p0fclient.h $(D)$(includedir)
	sed -e 's|@prefix@|$(PREFIX)|' -e 's|@includedir@|$(includedir:$(PREFIX)/%=$${prefix}/%)|' \
		-e 's|@libdir@|$(libdir:$(PREFIX)/%=$${prefix}/%)|' -e 's|@version@|$(VERSION)|' \
		lib/p0fclient.pc.in > $(D)$(libdir)/pkgconfig/p0fclient.pc
	chmod 644 $(D)$(libdir)/pkgconfig/p0fclient.pc
	install -m 644 lib/libp0fclient.3 $(D)$(mandir)/man3
	cd $(D)$(mandir)/man3 && for f in $(LIB_FUNCTIONS); do \
		echo '.so man3/libp0fclient.3' > $$f.3 && chmod 644 $$f.3 || exit 1; done
	$(LDCONFIG)

install: all install-lib
	install -d $(D)$(sbindir) $(D)$(sysconfdir) $(D)$(mandir)/man5 $(D)$(mandir)/man7 $(D)$(mandir)/man8 $(D)$(unitdir) \
		$(D)$(sysusersdir) $(D)$(completiondir) $(D)$(docdir)/examples
	install -m 755 $(DAEMON) $(D)$(sbindir)
	$(PLACED) conf/p0f-lookupd.conf.5 > $(D)$(mandir)/man5/p0f-lookupd.conf.5
	$(PLACED) daemon/p0f-lookupd.7 > $(D)$(mandir)/man7/p0f-lookupd.7
	$(PLACED) daemon/p0f-lookupd.8 > $(D)$(mandir)/man8/p0f-lookupd.8
	$(PLACED) systemd/p0f-lookupd.service > $(D)$(unitdir)/p0f-lookupd.service
	chmod 644 $(D)$(mandir)/man5/p0f-lookupd.conf.5 $(D)$(mandir)/man7/p0f-lookupd.7 $(D)$(mandir)/man8/p0f-lookupd.8 \
		$(D)$(unitdir)/p0f-lookupd.service
	install -m 644 $(EXAMPLES) $(D)$(docdir)/examples
	for f in $(PROGRAM_EXAMPLES); do \
		install -D -m 644 conf/$$f $(D)$(docdir)/examples/$$f || exit 1; done
	install -d $(D)$(docdir)/examples/lookup
	install -m 644 $(LOOKUPS) $(D)$(docdir)/examples/lookup
	install -m 644 $(UNITS:%=systemd/%) $(D)$(unitdir)
	[ -z '$(DROP_IN)' ] || { install -d $(D)$(unitdir)/p0f-lookupd.service.d && \
		$(PLACED) systemd/p0f-lookupd.service-254.conf > $(D)$(unitdir)/$(DROP_IN) && \
		chmod 644 $(D)$(unitdir)/$(DROP_IN); }
	install -m 644 systemd/p0f-lookupd.sysusers $(D)$(sysusersdir)/p0f-lookupd.conf
	install -m 644 conf/bash-completion/p0f-lookupd $(D)$(completiondir)
	[ -e $(D)$(sysconfdir)/p0f-lookupd.conf ] || \
		install -m 644 conf/p0f-lookupd.conf $(D)$(sysconfdir)
	@cmp -s conf/p0f-lookupd.conf $(D)$(sysconfdir)/p0f-lookupd.conf || \
		echo 'Kept your $(sysconfdir)/p0f-lookupd.conf; the new sample is $(docdir)/examples/p0f-lookupd.conf'
	@[ -n '$(filter $(UNIT_DIRS),$(unitdir))' ] || \
		printf '%s\n' 'systemd does not look for units in $(unitdir). To use them:' \
		'  systemd-sysusers $(sysusersdir)/p0f-lookupd.conf' \
		'  systemctl link $(unitdir)/p0f.service $(unitdir)/p0f-lookupd.service'

uninstall:
	rm -f $(D)$(sbindir)/p0f-lookupd $(D)$(libdir)/libp0fclient.* $(D)$(includedir)/p0fclient.h \
		$(D)$(libdir)/pkgconfig/p0fclient.pc $(D)$(mandir)/man3/libp0fclient.3 \
		$(LIB_FUNCTIONS:%=$(D)$(mandir)/man3/%.3) \
		$(D)$(mandir)/man5/p0f-lookupd.conf.5 $(D)$(mandir)/man7/p0f-lookupd.7 $(D)$(mandir)/man8/p0f-lookupd.8 \
		$(addprefix $(D)$(unitdir)/,p0f-lookupd.service p0f-lookupd.service.d/10-systemd-254.conf $(UNITS)) \
		$(D)$(sysusersdir)/p0f-lookupd.conf $(D)$(completiondir)/p0f-lookupd
	rm -f $(addprefix $(D)$(docdir)/examples/,$(notdir $(EXAMPLES)) $(PROGRAM_EXAMPLES) \
		$(LOOKUPS:conf/examples/%=lookup/%))
	rmdir $(D)$(unitdir)/p0f-lookupd.service.d $(addprefix $(D)$(docdir)/examples/,$(sort $(dir $(PROGRAM_EXAMPLES))) lookup) \
		$(D)$(docdir)/examples $(D)$(docdir) 2>/dev/null || true
	$(LDCONFIG)
	@[ ! -e $(D)$(sysconfdir)/p0f-lookupd.conf ] || echo 'Kept $(sysconfdir)/p0f-lookupd.conf'

# A release: what is committed, which builds and passes its tests without git.
dist:
	@mkdir -p $(BUILD)
	@git diff-index --quiet HEAD -- || echo 'Changes that are not committed are left out.' >&2
	git archive --prefix=p0f-lookupd-$(VERSION)/ --output=$(DIST) HEAD

# The packages of conf/debian, with the version FULL_VERSION.
deb:
	@$(INSTALL) $(BUILD_DEPS) $(DEB_DEPS)
	@tests/support/sh/make-deb.sh '$(FULL_VERSION)' '$(abspath $(BUILD))/deb'

clean:
	rm -rf $(BUILD)
