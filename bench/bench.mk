# bench.mk: a part of the Makefile: make bench, make bench-NAME.

BENCH  = $(B)/bench
RESUME = resume resume_hand resume_drive resume_switch resume_labels resume_cpp

$(BENCH)/resume_cpp.o: bench/resume_cpp.cpp bench/resume.h $(B)/flags
	@mkdir -p $(@D)
	$(CXX) -std=c++20 $(STRICT) -I. $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(BENCH)/resume: $(RESUME:%=$(BENCH)/%.o)
	$(CXX) $(CFLAGS) $(LDFLAGS) -o $@ $^
$(BENCH)/echo $(BENCH)/echo_epoll: %: %.o
	$(LINK) -o $@ $^
$(BENCH)/echo_libev: $(BENCH)/echo_libev.o
	$(LINK) -o $@ $^ -lev
$(BENCH)/echo_libuv: $(BENCH)/echo_libuv.o
	$(LINK) -o $@ $^ $(call if-header,uv.h,-luv)
$(BENCH)/echo_libevent: $(BENCH)/echo_libevent.o
	$(LINK) -o $@ $^ $(call if-header,event2/event.h,-levent_core)
$(BENCH)/echo_duffel $(BENCH)/echo_labels: %: %.o $(B)/libduffel.a
	$(LINK) -o $@ $^ $(LIBS)
$(BENCH)/echo_labels.o: bench/echo_duffel.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -DCO_LABELS -MMD -MP -c -o $@ $<

$(BENCH)/together $(BENCH)/udp: %: %.o $(B)/libduffel.a
	$(LINK) -o $@ $^ $(LIBS)
$(BENCH)/connections: $(BENCH)/connections.o
	$(LINK) -o $@ $^ -lm

# if-header HEADER FLAGS: the flags, if there is that header. Peers that are missing are left out.
if-header = $(shell echo '\#include <$1>' | $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 && echo '$2')
TASKS = tasks tasks_ours tasks_libev tasks_libuv tasks_libevent tasks_cpp

$(BENCH)/tasks_cpp.o: bench/tasks_cpp.cpp bench/tasks.h $(B)/flags
	@mkdir -p $(@D)
	$(CXX) -std=c++20 $(STRICT) -I. $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
# libevent before libev, which has functions of the same names.
$(BENCH)/tasks: $(TASKS:%=$(BENCH)/%.o) $(B)/libduffel.a
	$(CXX) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call if-header,uv.h,-luv) \
		$(call if-header,event2/event.h,-levent_core) $(LIBS)
$(BENCH)/memory: $(BENCH)/memory.o $(B)/libduffel.a
	$(LINK) -o $@ $^ $(call if-header,uv.h,-luv) $(LIBS)
$(BENCH)/growth: $(BENCH)/growth.o $(B)/libduffel.a
	$(LINK) -o $@ $^ $(LIBS)
$(BENCH)/%_go: bench/%_go.go
	@command -v go >/dev/null || exit 0; mkdir -p $(@D); \
		GOCACHE=$(abspath $(BENCH))/go GO111MODULE=off go build -o $@ $<

# All of them, each of which also stands alone; then the report.
BENCHES = bench-resume bench-tasks bench-together bench-memory bench-echo bench-udp \
    bench-http bench-kv bench-million bench-connections bench-growth
RESULTS = $(abspath $(BENCH))/results.jsonl

.PHONY: bench bench-report bench-counts $(BENCHES)

bench:
	@mkdir -p $(BENCH) && : >$(RESULTS)
	+@failed=; for bench in $(BENCHES); do printf '\n--- %s\n\n' "$$bench"; \
		BENCH_RESULTS=$(RESULTS) $(MAKE) -s --no-print-directory "$$bench" || \
		failed="$$failed $$bench"; done; \
	printf '\n--- all\n\n'; $(MAKE) -s --no-print-directory bench-report; \
	[ -z "$$failed" ] || { echo "make bench: failed:$$failed"; exit 1; }

# A quick run leaves the figures and plots of the repository alone.
bench-report: KEEP = $(if $(findstring --quick,$(ARGS)),$(BENCH)/)
bench-report:
	@bench/report.py $(RESULTS) --json $(KEEP)bench/results.json --plots $(KEEP)docs/plots \
		$(if $(KEEP),,--doc docs/performance.md) --cc '$(CC)' --note '$(CFLAGS) $(ARGS)'

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

bench-udp:
	@$(SETUP) bench
	+@$(AGAIN) $(BENCH)/udp
	@$(BENCH)/udp $(ARGS)

bench-tasks:
	@$(SETUP) bench
	+@$(AGAIN) $(BENCH)/tasks $(BENCH)/tasks_go
	@$(BENCH)/tasks $(ARGS) --go $(BENCH)/tasks_go

bench-memory:
	@$(SETUP) bench
	+@$(AGAIN) $(BENCH)/memory $(BENCH)/memory_go
	@$(BENCH)/memory $(ARGS) --go $(BENCH)/memory_go --asyncio bench/memory_asyncio.py

bench-growth:
	@$(SETUP) bench
	+@$(AGAIN) $(BENCH)/growth
	@results=$${BENCH_RESULTS:-$(BENCH)/growth.jsonl}; \
	[ "$$BENCH_RESULTS" ] || : >"$$results"; \
	BENCH_RESULTS=$$results $(BENCH)/growth $(ARGS) && bench/report.py --fit "$$results"

bench-counts:
	@$(SETUP) bench
	@CC='$(CC)' test/instructions.sh --update

# The servers of bench/echo.c, ours first; those that do not run here are left out.
ECHO_C = duffel labels libev epoll libuv libevent
ECHO_3 = 'ours=$(BENCH)/echo_duffel' 'libev=$(BENCH)/echo_libev' 'epoll=$(BENCH)/echo_epoll'
ECHO   = $(ECHO_3) 'libuv=$(BENCH)/echo_libuv' 'libevent=$(BENCH)/echo_libevent' \
	'Go=$(BENCH)/echo_go' 'asyncio=bench/echo_asyncio.py' \
	'uvloop=bench/echo_asyncio.py --uvloop' 'ours, CO_LABELS=$(BENCH)/echo_labels'

bench-echo:
	@$(SETUP) bench
	+@$(AGAIN) $(BENCH)/echo $(BENCH)/echo_go $(ECHO_C:%=$(BENCH)/echo_%)
	@$(BENCH)/echo $(ARGS) $(ECHO)
	@bench/echo_calls.sh $(filter --quick,$(ARGS)) $(BENCH)/echo $(ECHO)
	@bench/echo_instructions.sh $(filter --quick,$(ARGS)) $(BENCH)/echo $(ECHO_3)

bench-http:
	@$(SETUP) bench
	+@$(AGAIN) $(B)/demos/httpd $(BENCH)/http_hello_go
	@bench/http_hello.py $(ARGS) $(B)/demos/httpd $(BENCH)/http_hello_go

bench-kv:
	@$(SETUP) bench
	+@$(AGAIN) $(B)/demos/kv
	@bench/kv.py $(ARGS) $(B)/demos/kv

bench-million:
	@$(SETUP) bench
	+@$(AGAIN) $(B)/demos/million
	@bench/million.sh $(ARGS) $(B)/demos/million

bench-connections:
	@$(SETUP) bench
	+@$(AGAIN) $(BENCH)/connections $(BENCH)/echo_libev $(BENCH)/echo_duffel
	@$(BENCH)/connections $(ARGS) $(BENCH)/echo_duffel $(BENCH)/echo_libev
