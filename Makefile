# make             the library: build/libduffel.a
# make demo        the main job: five requests of a slow server in the time of one; ARGS=--sync
# make demo-NAME   builds and runs demos/NAME.c, with ARGS='...'; a server runs until Ctrl-C
# make demos       builds all demos
# make check       the edit loop: the test programs once, sanitized, at small sizes: half a minute
# make test-NAME   builds and runs test/NAME.c; ONLY=pattern: its tests whose names match
# make test        all tests: two forms, sanitizers, valgrind, misuse, compilers, snippets
# make test-targets  the same for coro.h and task.* on microcontrollers and other machines, emulated
# make demo-mcu-NAME  runs demos/mcu/NAME.c in an emulator; BOARD=microbit mps2 mps2-m4 virt avr
# make size        measures programs for microcontrollers, and writes docs/microcontrollers.md
# make soak        the long tests, for MINUTES=30: docs/reliability.md
# make misuse-table  writes what each mistake gets: docs/how-to/mistakes.md
# make coverage    what the tests reach, by file
# make lint        warnings, analysers, layout, duffel-lint
# make duffel-lint  what no compiler sees in coroutines: docs/how-to/lint.md
# make fuzz        the parsers, 60 s each; SECONDS=n TARGETS='http resp'; make fuzz-keep
# make bench       measures, 10 minutes; make bench-resume ...: one of them; ARGS=--quick
# make bench-counts  counts instructions anew: bench/counts.txt, which the tests hold us to
# make single      the library as two files to copy: build/single/duffel.h and duffel.c
# make install     PREFIX=/usr/local DESTDIR=
# make uninstall   takes that away again
# make clean       removes build/
#
# demo, check, test, lint, bench and fuzz install what they miss, through .ci/setup.
# Yours to set: CC CFLAGS CPPFLAGS LDFLAGS, and B, the directory to build in.

VERSION = 0.1.0
PREFIX  = /usr/local
CC      = cc
CFLAGS  = -O2 -g
STRICT  = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
LIBS    = -lev -pthread
B       = build

# The library, floor by floor, each file behind those that it stands on. These lists are the only
# ones: tools/single.py is given them, and test/packaging.sh compares with them.
CORE_H  = coro.h task.h sync.h group.h isr.h
CORE_C  = task.c timer.c cancel.c sync.c group.c isr.c debug.c
LOOP_H  = loop.h thread.h process.h stream.h trial.h
LOOP_C  = loop.c loop_fd.c loop_ev.c loop_dump.c thread.c process.c stream.c loop_sim.c trial.c
NET_H   = net.h
NET_C   = net.c connect.c
HEADERS = $(CORE_H) $(LOOP_H) $(NET_H)
LIBRARY = $(CORE_C) $(LOOP_C) $(NET_C)
PRIVATE = task_impl.h loop_impl.h

COMMON  = demos/options.c $(wildcard demos/http/*.c)
KV      = $(wildcard demos/kv/*.c)
DEMOS   = $(filter-out $(COMMON),$(wildcard demos/*.c))
TESTS   = $(filter-out %_other.c test/coro_words.c,$(wildcard test/*.c))
SCRIPTS = $(wildcard .ci/* demos/*.sh demos/mcu/*.sh bench/*.sh)
SCRIPTS += $(wildcard test/*.sh test/targets/*.sh test/fuzz/*.sh)
ALL_C   = $(LIBRARY) $(wildcard demos/*.c) $(wildcard demos/http/*.c demos/kv/*.c)
ALL_C  += $(wildcard test/*.c test/fuzz/*.c bench/*.c)

COMPILE = $(CC) -std=c11 $(STRICT) -I. $(RELEASE) $(CPPFLAGS) $(CFLAGS) $(FORM)
LINK    = $(CC) $(CFLAGS) $(FORM) $(RELEASE_LINK) $(LDFLAGS)
NPROC   = $(shell getconf _NPROCESSORS_ONLN)
JOBS    = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(NPROC))
AGAIN   = $(MAKE) -s --no-print-directory $(JOBS)
SETUP   = CC='$(CC)' .ci/setup
export CPPFLAGS LDFLAGS COMPILE

# ---- release flags -------------------------------------------------------------------------------
# The demos listen, so they and the library below them are hardened, where the compiler is gcc or
# clang and the files are ELF; not under a sanitizer. What you set comes later, and wins. Only the
# demos' own files have the stack protector: it costs the library's joins 2 % of the instructions.

YOURS     = $(CFLAGS) $(FORM) $(CPPFLAGS) $(LDFLAGS)
IS_ELF   := $(shell echo 'is __GNUC__ __ELF__' | $(CC) -E - 2>/dev/null | grep -c '^is [0-9]* 1$$')
HARDENED  = $(if $(findstring -fsanitize,$(YOURS)),,$(filter 1,$(IS_ELF)))
OPTIMISED = $(filter-out -O0,$(lastword $(filter -O%,$(YOURS))))
FORTIFY   = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
READ_ONLY = -Wl,-z,relro,-z,now
RELEASE   = $(if $(HARDENED),$(if $(filter test/% bench/%,$<),,-fPIE \
	$(if $(OPTIMISED),$(if $(findstring _FORTIFY_SOURCE,$(YOURS)),,$(FORTIFY))) \
	$(if $(filter demos/%,$<),-fstack-protector-strong)))
RELEASE_LINK = $(if $(HARDENED),$(if $(filter $(B)/demos/%,$@),$(READ_ONLY) \
	$(if $(filter -static% -no-pie -nopie -fno-pie,$(YOURS)),,-pie)))

# ---- building ------------------------------------------------------------------------------------

# The program of demos/kv.c has the name of the directory that its other objects would be in.
objects_of = $(patsubst $(B)/demos/kv/%,$(B)/kv/%,$(1:%.c=$(B)/%.o))

lib:     $(B)/libduffel.a
demos:   $(DEMOS:%.c=$(B)/%)
tests:   $(TESTS:%.c=$(B)/%)
objects: $(call objects_of,$(ALL_C))
.PHONY: lib demos tests objects demo test lint duffel-lint
.PHONY: install uninstall clean help force
.SECONDARY:
.SECONDEXPANSION:

$(B)/libduffel.a: $(LIBRARY:%.c=$(B)/%.o)
	rm -f $@ && $(AR) rcs $@ $^

$(B)/demos/%: $(B)/demos/%.o $(call objects_of,$(COMMON)) $(B)/libduffel.a
	$(LINK) -o $@ $^ $(LIBS)

$(B)/demos/kv:  $(call objects_of,$(KV))
$(B)/test/http: $(call objects_of,demos/http/parse.c)
$(B)/test/resp: $(call objects_of,demos/kv/resp.c)
$(B)/test/security: $(call objects_of,demos/kv/store.c)

# test/NAME.c, with test/NAME_other.c if there is one.
$(B)/test/%: $(B)/test/%.o $$(patsubst %.c,$(B)/%.o,$$(wildcard test/$$*_other.c)) $(B)/libduffel.a
	$(LINK) -o $@ $^ -lcmocka $(LIBS)

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

$(B)/kv/%.o: demos/kv/%.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

$(B)/flags: force           # is new when the compiler or a flag is
	@mkdir -p $(B)
	@echo "$$COMPILE" | cmp -s - $@ || echo "$$COMPILE" >$@

-include $(wildcard $(B)/*.d $(B)/*/*.d $(B)/demos/*/*.d)

# ---- demos ---------------------------------------------------------------------------------------

demo demo-requests:
	@$(SETUP) demo
	+@$(AGAIN) demos
	@DEMOS=$(B)/demos demos/main_job.sh $(ARGS)

demo-%:
	@[ -n "$(filter $*,$(DEMOS:demos/%.c=%))" ] || { echo \
		"no demo '$*': there are" $(DEMOS:demos/%.c=%); exit 2; } >&2
	@$(SETUP) demo
	+@$(AGAIN) $(B)/demos/$*
	@$(B)/demos/$* $(ARGS)

# ---- tests ---------------------------------------------------------------------------------------
# make test: every program of test/ in three forms, those about threads with the thread sanitizer as
# well, and the scripts. make check: every program in the first of these forms. Both: test/run.py.
# -gdwarf-4: valgrind reads no newer one of clang.

SANITIZE = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
CHECKED  = B=build/switch FORM='$(SANITIZE) -DCO_DEBUG'
RACES    = -O1 -fsanitize=thread
RACED    = thread loop_threads
ROOT     = build/root/usr
PROGRAMS = $(TESTS:test/%.c=%)

check:
	@$(SETUP) check
	+@$(AGAIN) demos tests $(CHECKED)
	@test/run.py --check --tests $(PROGRAMS)
.PHONY: check

# Those that start demos find them in the directory DEMOS.
test-%:
	@[ -n '$(filter $*,$(PROGRAMS))' ] || { echo \
		"no test '$*': there are" $(PROGRAMS); exit 2; } >&2
	@$(SETUP) check
	+@$(AGAIN) build/switch/test/$* $(if $(shell grep -sl demo_test.h test/$*.c),demos) $(CHECKED)
	@DEMOS=build/switch/demos ONLY='$(ONLY)' build/switch/test/$*

test:
	@$(SETUP) test
	+@$(AGAIN) demos tests fuzzers $(CHECKED)
	+@$(AGAIN) demos tests fuzzers B=build/labels FORM='$(SANITIZE) -DCO_LABELS'
	+@$(AGAIN) $(RACED:%=build/races/test/%) B=build/races FORM='$(RACES)'
	+@$(AGAIN) demos tests B=build/plain FORM=-gdwarf-4
	+@$(AGAIN) install DESTDIR=build/root PREFIX=/usr
	@test/run.py --cc '$(CC)' --root $(ROOT) --tests $(PROGRAMS) \
		--raced $(RACED) --fuzz $(FUZZ) --scripts $(wildcard test/*.sh)

# The long tests, for MINUTES, and their table in docs/reliability.md; ITEMS='battery orders': some.
MINUTES = 30
SOAKED  = battery orders promise
SOAKED += $(patsubst test/%.c,%,$(filter-out %_other.c,$(wildcard test/hostile*.c)))
soak:
	@$(SETUP) test
	+@[ -n '$(filter --list,$(ARGS))' ] || $(AGAIN) demos $(SOAKED:%=build/switch/test/%) \
		$(CHECKED)
	+@[ -n '$(filter --list,$(ARGS))' ] || $(AGAIN) build/plain/test/battery \
		B=build/plain FORM=-gdwarf-4
	@test/soak.py --minutes $(MINUTES) $(ARGS) $(ITEMS)

# All tests once, built by gcc --coverage, and the table in docs/reliability.md.
COUNTED = --coverage -O0 -fprofile-update=atomic -DCO_DEBUG -include test/coverage.h
coverage:
	@$(SETUP) test coverage
	@find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	+@$(AGAIN) demos tests B=build/coverage CC=gcc CXX=g++ CFLAGS=-g FORM='$(COUNTED)'
	@test/coverage.py build/coverage $(ARGS) $(PROGRAMS)
.PHONY: soak coverage

# What each program of test/misuse gets, into the table of docs/how-to/mistakes.md.
misuse-table:
	@$(SETUP) test
	@test/misuse.py --table
.PHONY: misuse-table

# 10,000 random programs, each in C by two compilers and in Python; ARGS='--seed S --programs N'.
soak-differential:
	@$(SETUP) test
	@test/differential.py --programs 10000 $(ARGS)
.PHONY: soak-differential

# Every order of the programs of test/orders.c, and 1,000,000 random ones.
soak-orders:
	@$(SETUP) test
	+@$(AGAIN) build/switch/test/orders $(CHECKED)
	@DUFFEL_PROGRAMS=$${DUFFEL_PROGRAMS:-1000000} build/switch/test/orders
.PHONY: soak-orders

include test/targets.mk

# ---- lint ----------------------------------------------------------------------------------------
# Silent if all is well. What is left out of bugprone: the widening of small constants, !strcmp(),
# sizeof *array_of_pointers, two arguments of one type, names that end in _ : all are meant here.
# clang-tidy leaves test/ out, since it does not know that cmocka's asserts do not return; cppcheck
# reads the library only, preprocessed: it cannot parse the macros.

WERROR = -Werror -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
CHECKS = -*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling
CHECKS := $(CHECKS),bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier
CHECKS := $(CHECKS),-bugprone-implicit-widening-of-multiplication-result
CHECKS := $(CHECKS),-bugprone-suspicious-string-compare,-bugprone-sizeof-expression
SOURCES = $(ALL_C) $(HEADERS) $(wildcard demos/*.h demos/http/*.h demos/kv/*.h demos/mcu/*.[ch])
SOURCES += $(wildcard src/* bench/*.h bench/*.cpp)
SOURCES += $(PRIVATE) $(wildcard tools/* test/*.h test/targets/*.h test/fuzz/*.h test/misuse/*.c)
SOURCES += $(wildcard test/collide/*.[ch] include/duffel/*.h)
SOURCES += tools/duffel_lint.h $(wildcard test/lint/*.c test/lint/untuned/*.c)

define LAYOUT
function bad(what) { print FILENAME ":" FNR ": " what; status = 1 }
length > 100 { bad("a line of more than 100 columns") }
/\t/ && FILENAME !~ /Makefile|[.]mk$$/ { bad("a tab") }
/[ ]$$/ { bad("a blank at the end of the line") }
/^[{]/ || /^[a-z].*[{]( +[/][*].*)?$$/ { start = FNR }
/^extern "C"/ { start = 0 }
/^[}]/ && start && ("," LIBRARY ",") ~ ("," FILENAME ",") && FNR - start > 70 {
    bad("more than 70 lines")
}
/^[}]/ { start = 0 }
END { exit status }
endef
export LAYOUT

lint:
	@$(SETUP) lint
	+@$(AGAIN) objects B=build/lint/gcc CC=gcc FORM='$(WERROR)'
	+@$(AGAIN) objects B=build/lint/gcc-labels CC=gcc FORM='$(WERROR) -DCO_LABELS'
	+@$(AGAIN) objects B=build/lint/clang CC=clang FORM='$(WERROR)'
	+@$(AGAIN) lib demos B=build/lint/locals CC=clang FORM='$(WERROR) -Wconditional-uninitialized'
	+@$(AGAIN) objects B=build/lint/clang-labels CC=clang FORM='$(WERROR) -DCO_LABELS'
	+@$(AGAIN) lib B=build/lint/analyzer CC=gcc FORM='$(WERROR) -fanalyzer'
	@echo $(filter-out test/%,$(ALL_C)) | xargs -n1 -P$(NPROC) sh -c \
		'clang-tidy --quiet --warnings-as-errors="*" --checks="$(CHECKS)" $$0 \
		-- -std=c11 -I. $(CPPFLAGS) 2>/dev/null'
	@for f in $(LIBRARY); do gcc -E -std=c11 -I. $(CPPFLAGS) $$f >build/lint/$$f && \
		cppcheck -q --std=c11 --library=posix --enable=warning,portability,performance \
		--error-exitcode=1 build/lint/$$f || exit; done
	@for f in $(SCRIPTS); do sh -n $$f && shellcheck $$f || exit; done
	@awk -v LIBRARY="$$(echo $(LIBRARY) $(HEADERS) $(PRIVATE) | tr ' ' ,)" "$$LAYOUT" \
		$(SOURCES) $(SCRIPTS) Makefile $(wildcard bench/*.mk bench/*.py test/*.py) \
		tools/duffel-lint $(wildcard tools/duffel_lint/*.py)
	+@$(AGAIN) duffel-lint

# Our own coroutines. The programs of test/ may drop the result of co_go: a task that is missing
# there fails the test.
LINT   = tools/duffel-lint -q -j $(NPROC)
LINTED = $(filter-out demos/mcu/board_%,$(wildcard demos/mcu/*.c)) $(filter-out test/%,$(ALL_C))
duffel-lint:
	@$(SETUP) duffel-lint
	@$(LINT) $(LINTED) -- -std=c11 -I. $(CPPFLAGS)
	@$(LINT) --disable co-dropped-result $(filter test/%,$(ALL_C)) -- -std=c11 -I. $(CPPFLAGS)

include bench/bench.mk
include demos/mcu/mcu.mk
include test/fuzz/fuzz.mk

# ---- installing ----------------------------------------------------------------------------------

define PC
prefix=$(PREFIX)
includedir=$${prefix}/include
libdir=$${prefix}/lib

Name: duffel
Description: async/await for C without stacks
Version: $(VERSION)
Cflags: -I$${includedir}
Libs: -L$${libdir} -lduffel -lev -pthread
endef
export PC

# The library as two files, for people who copy: build/single/duffel.h and duffel.c.
single:
	@tools/single.py $(B)/single $(VERSION) --core $(CORE_H) $(CORE_C) --loop $(LOOP_H) $(LOOP_C) \
		--net $(NET_H) $(NET_C)
.PHONY: single

# duffel-lint keeps its modules and its header in TOOL.
TOOL = $(PREFIX)/share/duffel
install: lib
	install -d '$(DESTDIR)$(PREFIX)/include/duffel' '$(DESTDIR)$(PREFIX)/lib/pkgconfig'
	install -m 644 $(HEADERS) '$(DESTDIR)$(PREFIX)/include/duffel'
	install -m 644 $(B)/libduffel.a '$(DESTDIR)$(PREFIX)/lib'
	echo "$$PC" >'$(DESTDIR)$(PREFIX)/lib/pkgconfig/duffel.pc'
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(TOOL)/duffel_lint'
	install -m 755 tools/duffel-lint '$(DESTDIR)$(PREFIX)/bin'
	install -m 644 tools/duffel_lint.h '$(DESTDIR)$(TOOL)'
	install -m 644 tools/duffel_lint/*.py '$(DESTDIR)$(TOOL)/duffel_lint'

uninstall:
	rm -f $(HEADERS:%='$(DESTDIR)$(PREFIX)/include/duffel/%')
	rm -f '$(DESTDIR)$(PREFIX)/lib/libduffel.a' '$(DESTDIR)$(PREFIX)/lib/pkgconfig/duffel.pc'
	rm -rf '$(DESTDIR)$(PREFIX)/bin/duffel-lint' '$(DESTDIR)$(TOOL)'
	rmdir '$(DESTDIR)$(PREFIX)/include/duffel' 2>/dev/null || true

clean:
	rm -rf build '$(B)'

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile
