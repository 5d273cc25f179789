# nurseryd: one Makefile that a person can read.  make help
#   SAN=1   ASan+UBSan into build/san   TSAN=1  ThreadSanitizer into build/tsan      SEAMS=1  with test seams (failing COMMIT …) into build/seams
#   CC=clang  V=1  WERROR=1  DESTDIR=  PREFIX=
PREFIX     ?= /usr
SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system
CATALOGDIR ?= $(PREFIX)/lib/systemd/catalog
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
DATADIR    ?= $(PREFIX)/share/nurseryd
MANDIR     ?= $(PREFIX)/share/man
CFLAGS     ?= -O2 -g
PYTHON     ?= /usr/bin/python3
VERSION    := $(shell cat VERSION 2>/dev/null || echo 0.0.0)
# The day of the source, not of the machine: a clock before it is wrong (DESIGN §5).
BUILD_TIME := $(shell git log -1 --format=%ct 2>/dev/null || echo 1763856000)

ifdef SAN
out    := build/san
extra  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
link   := -fsanitize=address,undefined
else ifdef TSAN
out    := build/tsan
extra  := -fsanitize=thread -fno-omit-frame-pointer
link   := -fsanitize=thread
else ifdef SEAMS
out    := build/seams
else ifdef COVERAGE
out    := build/coverage
extra  := --coverage -O0
link   := --coverage
else
out    := build
endif
ifdef OUT
out    := $(OUT)
endif
ifneq ($(SEAMS)$(SAN)$(TSAN)$(COVERAGE),)
extra  += -DNURSERYD_SEAMS
endif
ifdef WERROR
extra  += -Werror
endif

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef \
	-Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough
packages := sqlite3 jansson libmicrohttpd libcurl libconfig libsystemd libcrypto libmosquitto zlib
# HASH_OAT: uthash's default falls through its switch labels, which clang refuses.
# No fused multiply-add: an interval has the same digits on every machine, or a frozen month would be "changed" by a move.
all_cflags := -std=gnu17 -D_GNU_SOURCE -DHASH_FUNCTION=HASH_OAT $(warnings) $(CFLAGS) $(extra) -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
	-ffp-contract=off \
	-DNURSERYD_VERSION='"$(VERSION)"' -DNURSERYD_DATADIR='"$(DATADIR)"' \
	$(shell pkg-config --cflags $(packages))
ifneq ($(SAN)$(TSAN)$(COVERAGE),)
all_cflags := $(filter-out -D_FORTIFY_SOURCE=2,$(all_cflags))
endif
libs   := $(shell pkg-config --libs $(packages)) -lpthread -lm

mains   := daemon/main.c
library := $(filter-out $(mains),$(wildcard daemon/*.c collectors/*.c sinks/*.c))
objects  = $(patsubst %.c,$(out)/obj/%.o,$(1))
quiet   := $(if $(V),,@)
say      = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

programs := $(out)/nurseryd $(out)/nurseryctl $(out)/nursery-sim
unit_tests := $(patsubst tests/unit/%.c,$(out)/tests/%,$(wildcard tests/unit/test_*.c))

all: $(programs)

$(out)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(quiet)$(CC) $(all_cflags) $(own_cflags) -MMD -MP -c -o $@ $<

# Changes with every commit: in one object's flags, so that a compiler cache serves the others.
$(out)/obj/daemon/startup.o: own_cflags := -DNURSERYD_BUILD_TIME=$(BUILD_TIME)

# The page is part of the program (.incbin).
$(out)/obj/daemon/api_web.o: $(wildcard web/*)

$(out)/libnurseryd.a: $(call objects,$(library))
	@rm -f $@
	$(quiet)$(AR) rcs $@ $^

$(out)/nurseryd: $(call objects,daemon/main.c) $(out)/libnurseryd.a
	$(call say,LINK,$@)
	$(quiet)$(CC) $(CFLAGS) $(link) $(LDFLAGS) -o $@ $^ $(libs)

$(out)/nursery-sim: $(call objects,$(wildcard tools/sim_*.c))
$(out)/nurseryctl: $(call objects,$(wildcard tools/ctl_*.c))
$(out)/nurseryctl $(out)/nursery-sim: $(out)/%: $(out)/obj/tools/%.o $(out)/libnurseryd.a
	$(call say,LINK,$@)
	$(quiet)$(CC) $(CFLAGS) $(link) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(libs)

$(out)/tests/%: $(out)/obj/tests/unit/%.o $(out)/libnurseryd.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(quiet)$(CC) $(CFLAGS) $(link) $(LDFLAGS) -o $@ $^ $(libs) -lcmocka

unit: $(unit_tests)
	$(quiet)printf '%s\n' $^ | xargs -P $$(nproc) -n 1 sh -c '"$$0" >"$$0.said" 2>&1; r=$$?; cat "$$0.said"; exit $$r'

includes:
	$(quiet)scripts/check-includes.py

# Everything CI runs; scripts/check.sh installs what it needs and calls the parts.
check:
	$(quiet)scripts/check.sh

e2e: all
	$(quiet)$(PYTHON) -m pytest -q tests/e2e

# The faults of the network and the broker that take minutes (root: a network namespace).
faults: all
	$(quiet)NURSERYD_FAULTS=1 NURSERYD_BUILD=$(out) $(PYTHON) -m pytest -q -s -p no:cacheprovider tests/e2e/test_faults.py

# A real systemd boots in a container (root; DESIGN §4 item 19).
systemd-check: all
	$(quiet)$(PYTHON) tests/systemd/nspawn.py

# Programs and tests, for compilers that are not to run them.
everything: all $(unit_tests)

# No data race between the threads (DESIGN §3): the HTTP thread, acts that the main thread performs, event streams, backups.
# Nothing is suppressed; a report ends the program with 66, which its test sees.
# One test is left out: it measures how soon a reader is cut, and the sanitizer is slow.
tsan_tests := test_api_http test_api_events test_acts test_security
tsan:
	$(quiet)$(MAKE) TSAN=1 all build/tsan/tests/test_http
	$(quiet)TSAN_OPTIONS="halt_on_error=1 exitcode=66" build/tsan/tests/test_http
	$(quiet)TSAN_OPTIONS="halt_on_error=1 exitcode=66" NURSERYD_BUILD=$(CURDIR)/build/tsan $(PYTHON) -m pytest -q -p no:cacheprovider \
		$(tsan_tests:%=tests/e2e/%.py) -k 'not never_reads_is_cut'

# Fuzz targets: clang, libFuzzer, ASan, UBSan; FUZZ_SECONDS each (0: the corpus only). tests/fuzz/run.sh says more.
fuzz_targets := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz_sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz-targets:
	$(quiet)$(MAKE) CC=clang OUT=build/fuzz CFLAGS='-O1 -g -fno-omit-frame-pointer $(fuzz_sanitize) -fsanitize=fuzzer-no-link -U_FORTIFY_SOURCE' $(fuzz_targets)
build/fuzz/fuzz_%: $(out)/obj/tests/fuzz/fuzz_%.o $(out)/libnurseryd.a
	$(call say,LINK,$@)
	$(quiet)$(CC) $(fuzz_sanitize) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(libs)
fuzz: fuzz-targets
	$(quiet)tests/fuzz/run.sh $(FUZZ_TARGETS)

# Unit and end-to-end tests once more, counted; the share of lines and branches run in the files that judge strangers' bytes.
coverage: all
	$(quiet)find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	$(quiet)$(MAKE) COVERAGE=1 all unit
	$(quiet)NURSERYD_BUILD=$(CURDIR)/build/coverage $(PYTHON) -m pytest -q -p no:cacheprovider tests/e2e; \
		tests=$$?; scripts/coverage.py build/coverage && exit $$tests

crash: all
	$(quiet)$(MAKE) SEAMS=1
	$(quiet)$(PYTHON) tests/crash/crash.py

# A thousand ways to forge the past, and verify finds each (RUNS, SEED).
tamper: all
	$(quiet)$(PYTHON) tests/crash/tamper.py --runs $(or $(RUNS),1000) $(if $(SEED),--seed $(SEED))

# The README's two commands on a Debian 12 with nothing in it (root, network, 15 minutes).
bare:
	$(quiet)scripts/bare.sh

bench: all
	$(quiet)$(PYTHON) tests/bench/bench.py

# Live ingest beside HTTP clients who poll, drip and read slowly (2 minutes).
bench-clients: all
	$(quiet)$(PYTHON) tests/bench/clients.py

# Instructions a message (callgrind), then at 10,000 and at a million ledger rows: the same on a busy machine.
bench-instructions: all
	$(quiet)$(PYTHON) tests/bench/instructions.py
	$(quiet)$(PYTHON) tests/bench/instructions.py --length

# A country: 340 cities × 300 nurseries × 400 days computed, five years read, live reports while all is computed again.
bench-country: all
	$(quiet)$(PYTHON) tests/bench/indicators.py 340 400 --api --live

# docs/screenshots/ from a demo daemon, in a real browser.
screenshots: all
	$(quiet)$(PYTHON) scripts/screenshots.py

# docs/openapi.yaml and docs/asyncapi.yaml under npm's linters (network).
.PHONY: lint-openapi
lint-openapi:
	$(quiet)scripts/lint-openapi.sh

# docs/man/ and dashboards/grafana/ are written by scripts, from tables; tests hold them equal.
man: all
	$(quiet)scripts/man.py
dashboards:
	$(quiet)scripts/grafana.py

# gcc -fanalyzer and clang-tidy; what is let pass stands in .clang-tidy and scripts/analyse.txt.
analyse:
	$(quiet)scripts/deps.sh analyse
	$(quiet)scripts/analyse.py

install: all
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(programs)
	install -D -m 644 -t $(DESTDIR)$(DATADIR) config/data/*
	install -D -m 644 config/policy.conf $(DESTDIR)$(SYSCONFDIR)/nurseryd/policy.conf
	install -D -m 644 systemd/nurseryd.conf $(DESTDIR)$(SYSCONFDIR)/nurseryd/nurseryd.conf
	install -D -m 644 -t $(DESTDIR)$(UNITDIR) systemd/nurseryd.service systemd/nurseryd.socket
	install -D -m 644 -t $(DESTDIR)$(CATALOGDIR) systemd/nurseryd.catalog
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/dashboards/prometheus dashboards/prometheus/nurseryd.rules.yml
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/dashboards/grafana/dashboards dashboards/grafana/dashboards/*.json
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/dashboards/grafana/provisioning/datasources dashboards/grafana/provisioning/datasources/nurseryd.yaml
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/dashboards/grafana/provisioning/dashboards dashboards/grafana/provisioning/dashboards/nurseryd.yaml
	install -D -m 644 -t $(DESTDIR)$(MANDIR)/man1 docs/man/nurseryctl.1 docs/man/nursery-sim.1
	install -D -m 644 -t $(DESTDIR)$(MANDIR)/man5 docs/man/nurseryd.conf.5
	install -D -m 644 -t $(DESTDIR)$(MANDIR)/man8 docs/man/nurseryd.8
	install -D -m 644 systemd/nurseryd.sysusers $(DESTDIR)$(SYSUSERSDIR)/nurseryd.conf

clean:
	rm -rf build

help:
	@sed -n '1,4p' Makefile; grep -oE '^[a-z0-9-]+:' Makefile | tr -d : | xargs echo targets:

.PHONY: all everything faults systemd-check unit includes check tsan e2e crash tamper bare bench bench-clients bench-instructions bench-country screenshots man dashboards analyse install clean help fuzz fuzz-targets coverage
.SECONDARY:
-include $(shell find $(out)/obj -name '*.d' 2>/dev/null)
