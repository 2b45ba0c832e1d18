# make             the library: build/libduffel.a
# make demo        the main job: five requests of a slow server in the time of one; ARGS=--sync
# make demo-NAME   builds and runs demos/NAME.c, with ARGS='...'; a server runs until Ctrl-C
# make demos       builds all demos
# make test        all tests: two forms, sanitizers, valgrind, misuse, compilers, snippets
# make lint        warnings, analysers, layout
# make bench       measures; make bench-resume, make bench-echo: one of them; ARGS=--quick
# make install     PREFIX=/usr/local DESTDIR=
# make uninstall   takes that away again
# make clean       removes build/
#
# demo, test, lint and bench install what they miss, through .ci/setup.
# Yours to set: CC CFLAGS CPPFLAGS LDFLAGS, and B, the directory to build in.

VERSION = 0.1.0
PREFIX  = /usr/local
CC      = cc
CFLAGS  = -O2 -g
STRICT  = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
LIBS    = -lev -pthread
B       = build

HEADERS = coro.h task.h sync.h group.h loop.h thread.h process.h stream.h net.h
LIBRARY = task.c sync.c group.c loop.c thread.c process.c stream.c net.c connect.c
COMMON  = $(wildcard demos/http.c demos/options.c)
DEMOS   = $(filter-out $(COMMON),$(wildcard demos/*.c))
TESTS   = $(filter-out %_other.c test/coro_words.c,$(wildcard test/*.c))
SCRIPTS = $(wildcard .ci/* demos/*.sh test/*.sh bench/*.sh)
ALL_C   = $(LIBRARY) $(wildcard demos/*.c test/*.c bench/*.c)

COMPILE = $(CC) -std=c11 $(STRICT) -I. $(CPPFLAGS) $(CFLAGS) $(FORM)
LINK    = $(CC) $(CFLAGS) $(FORM) $(LDFLAGS)
NPROC   = $(shell getconf _NPROCESSORS_ONLN)
JOBS    = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(NPROC))
AGAIN   = $(MAKE) -s --no-print-directory $(JOBS)
SETUP   = CC='$(CC)' .ci/setup
export CPPFLAGS LDFLAGS COMPILE

# ---- building ------------------------------------------------------------------------------------

lib:     $(B)/libduffel.a
demos:   $(DEMOS:%.c=$(B)/%)
tests:   $(TESTS:%.c=$(B)/%)
objects: $(ALL_C:%.c=$(B)/%.o)
.PHONY: lib demos tests objects demo test lint bench bench-resume bench-together bench-echo
.PHONY: install uninstall clean help force
.SECONDARY:
.SECONDEXPANSION:

$(B)/libduffel.a: $(LIBRARY:%.c=$(B)/%.o)
	rm -f $@ && $(AR) rcs $@ $^

$(B)/demos/%: $(B)/demos/%.o $(COMMON:%.c=$(B)/%.o) $(B)/libduffel.a
	$(LINK) -o $@ $^ $(LIBS)

# test/NAME.c, with test/NAME_other.c if there is one.
$(B)/test/%: $(B)/test/%.o $$(patsubst %.c,$(B)/%.o,$$(wildcard test/$$*_other.c)) $(B)/libduffel.a
	$(LINK) -o $@ $^ -lcmocka $(LIBS)

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

$(B)/flags: force           # is new when the compiler or a flag is
	@mkdir -p $(B)
	@echo "$$COMPILE" | cmp -s - $@ || echo "$$COMPILE" >$@

-include $(wildcard $(B)/*.d $(B)/*/*.d)

# ---- demos ---------------------------------------------------------------------------------------

demo demo-requests:
	@$(SETUP) demo
	+@$(AGAIN) demos
	@DEMOS=$(B)/demos demos/main_job.sh $(ARGS)

demo-%:
	@[ -e demos/$*.c ] && [ -z "$(filter $*,http options)" ] || { echo "no demo '$*': there are" \
		$(filter-out http options,$(DEMOS:demos/%.c=%)); exit 2; } >&2
	@$(SETUP) demo
	+@$(AGAIN) $(B)/demos/$*
	@$(B)/demos/$* $(ARGS)

# ---- tests ---------------------------------------------------------------------------------------
# Every program of test/ in three forms, test/thread.c with the thread sanitizer as well, then the
# scripts; what failed is listed at the end.
# -gdwarf-4: valgrind reads no newer one of clang.

SANITIZE = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
MEMORY   = -q --leak-check=full --error-exitcode=9 --track-fds=yes --child-silent-after-fork=yes
LEAKED   = /Open .*(descriptor|socket)/ { fd = $$0; next } \
	fd && !/inherited from parent/ { print fd; n++ } { fd = "" } END { exit n > 0 }
RACES    = -O1 -fsanitize=thread
ROOT     = build/root/usr
export LEAKED

test:
	@$(SETUP) test
	+@$(AGAIN) demos tests B=build/switch FORM='$(SANITIZE) -DCO_DEBUG'
	+@$(AGAIN) demos tests B=build/labels FORM='$(SANITIZE) -DCO_LABELS'
	+@$(AGAIN) build/races/test/thread B=build/races FORM='$(RACES)'
	+@$(AGAIN) demos tests B=build/plain FORM=-gdwarf-4
	+@$(AGAIN) install DESTDIR=build/root PREFIX=/usr
	@failed=; \
	failed() { echo "--- $$*"; failed="$$failed|    $$*"; }; \
	try() { \
		printf '\n--- %s\n' "$$*"; timeout -k 5 $$limit env "$$@" </dev/null && return; \
		case $$? in 124|137) failed "timed out: $$*";; *) failed "failed: $$*";; esac; return 1; \
	}; \
	limit=120; \
	for t in $(TESTS:%.c=%); do try DEMOS=build/switch/demos build/switch/$$t; done; \
	for t in $(TESTS:%.c=%); do try DEMOS=build/labels/demos build/labels/$$t; done; \
	try build/races/test/thread; \
	if command -v valgrind >/dev/null; then \
		export DUFFEL_SHORT=1 DEMOS=build/plain/demos; \
		for t in $(TESTS:%.c=%); do \
			log=build/plain/$$t.log; export VALGRIND_OPTS="$(MEMORY) --log-file=$$log"; \
			try valgrind build/plain/$$t || cat $$log; \
			awk "$$LEAKED" $$log || failed "left fds open: see $$log"; \
		done; \
		unset DUFFEL_SHORT DEMOS VALGRIND_OPTS; \
	fi; \
	limit=300; export CC='$(CC)'; \
	for t in $(wildcard test/*.sh); do try $$t; done; \
	try DUFFEL_CFLAGS=-I$(ROOT)/include/duffel DUFFEL_LIBS='-L$(ROOT)/lib -lduffel -lev' \
		test/snippets.py; \
	[ -z "$$failed" ] || { printf '\nmake test: failed\n'; echo "$${failed#|}" | tr '|' '\n'; exit 1; }

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
SOURCES = $(ALL_C) $(HEADERS) $(wildcard demos/*.h test/*.h test/misuse/*.c bench/*.h bench/*.cpp)

define LAYOUT
function bad(what) { print FILENAME ":" FNR ": " what; status = 1 }
length > 100 { bad("a line of more than 100 columns") }
/\t/ { bad("a tab") }
/[ ]$$/ { bad("a blank at the end of the line") }
/^[{]/ || /^[a-z].*[{]( +[/][*].*)?$$/ { start = FNR }
/^[}]/ && ("," LIBRARY ",") ~ ("," FILENAME ",") && FNR - start > 70 { bad("more than 70 lines") }
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
	@echo $(filter-out test/%,$(ALL_C)) | xargs -n1 -P$(NPROC) sh -c 'clang-tidy --quiet --warnings-as-errors="*" \
		--checks="$(CHECKS)" $$0 -- -std=c11 -I. $(CPPFLAGS) 2>/dev/null'
	@for f in $(LIBRARY); do gcc -E -std=c11 -I. $(CPPFLAGS) $$f >build/lint/$$f && \
		cppcheck -q --std=c11 --library=posix --enable=warning,portability,performance \
		--error-exitcode=1 build/lint/$$f || exit; done
	@for f in $(SCRIPTS); do sh -n $$f && shellcheck $$f || exit; done
	@awk -v LIBRARY="$$(echo $(LIBRARY) $(HEADERS) | tr ' ' ,)" "$$LAYOUT" \
		$(SOURCES) $(SCRIPTS) test/snippets.py

# ---- bench ---------------------------------------------------------------------------------------

BENCH  = $(B)/bench
RESUME = resume resume_hand resume_drive resume_switch resume_labels resume_cpp

$(BENCH)/resume_cpp.o: bench/resume_cpp.cpp bench/resume.h $(B)/flags
	@mkdir -p $(@D)
	$(CXX) -std=c++20 $(STRICT) -I. $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(BENCH)/resume: $(RESUME:%=$(BENCH)/%.o)
	$(CXX) $(CFLAGS) $(LDFLAGS) -o $@ $^
$(BENCH)/echo: $(BENCH)/echo.o
	$(LINK) -o $@ $^
$(BENCH)/echo_libev: $(BENCH)/echo_libev.o
	$(LINK) -o $@ $^ -lev
$(BENCH)/echo_duffel: $(BENCH)/echo_duffel.o $(B)/libduffel.a
	$(LINK) -o $@ $^ $(LIBS)

$(BENCH)/together: $(BENCH)/together.o $(B)/libduffel.a
	$(LINK) -o $@ $^ $(LIBS)

bench: bench-resume bench-together bench-echo

bench-resume:
	@$(SETUP) bench
	+@$(AGAIN) $(BENCH)/resume
	@$(BENCH)/resume $(ARGS)
	@bench/resume.sh $(BENCH)/resume
	@echo "coro.h: $$(wc -l <coro.h) lines, $$(wc -c <coro.h) bytes"

bench-together:
	@$(SETUP) bench
	+@$(AGAIN) $(BENCH)/together
	@$(BENCH)/together $(ARGS)

bench-echo:
	@$(SETUP) bench
	+@$(AGAIN) $(BENCH)/echo $(BENCH)/echo_libev $(BENCH)/echo_duffel
	@$(BENCH)/echo $(ARGS) $(BENCH)/echo_duffel $(BENCH)/echo_libev
	@bench/echo_calls.sh $(BENCH)/echo $(BENCH)/echo_duffel $(BENCH)/echo_libev

# ---- installing ----------------------------------------------------------------------------------

define PC
prefix=$(PREFIX)
includedir=$${prefix}/include/duffel
libdir=$${prefix}/lib

Name: duffel
Description: async/await for C without stacks
Version: $(VERSION)
Cflags: -I$${includedir}
Libs: -L$${libdir} -lduffel -lev -pthread
endef
export PC

install: lib
	install -d '$(DESTDIR)$(PREFIX)/include/duffel' '$(DESTDIR)$(PREFIX)/lib/pkgconfig'
	install -m 644 $(HEADERS) '$(DESTDIR)$(PREFIX)/include/duffel'
	install -m 644 $(B)/libduffel.a '$(DESTDIR)$(PREFIX)/lib'
	echo "$$PC" >'$(DESTDIR)$(PREFIX)/lib/pkgconfig/duffel.pc'

uninstall:
	rm -f $(HEADERS:%='$(DESTDIR)$(PREFIX)/include/duffel/%')
	rm -f '$(DESTDIR)$(PREFIX)/lib/libduffel.a' '$(DESTDIR)$(PREFIX)/lib/pkgconfig/duffel.pc'
	rmdir '$(DESTDIR)$(PREFIX)/include/duffel' 2>/dev/null || true

clean:
	rm -rf build '$(B)'

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile
