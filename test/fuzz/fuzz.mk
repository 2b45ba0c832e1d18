# fuzz.mk: a part of the Makefile: make fuzz, and the targets of test/fuzz for make test.

FUZZ    = http head path range url resp kv stream
SECONDS = 60

# What a target is made of besides itself and the library.
FUZZ_http = $(call objects_of,demos/http/parse.c)
FUZZ_head = $(call objects_of,$(wildcard demos/http/*.c))
FUZZ_url  = $(FUZZ_head)
FUZZ_resp = $(call objects_of,demos/kv/resp.c)
FUZZ_kv   = $(call objects_of,$(KV))

# With libFuzzer it has a main; else feed.c is one.
FUZZER    = $(findstring -fsanitize=fuzzer,$(FORM))
FUZZ_FORM = -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all \
	-fsanitize=fuzzer-no-link,address,undefined -DCO_DEBUG

$(B)/test/fuzz/%: $(B)/test/fuzz/%.o $$(FUZZ_$$*) \
		$$(if $$(FUZZER),,$(B)/test/fuzz/feed.o) $(B)/libduffel.a
	$(LINK) $(if $(FUZZER),-fsanitize=fuzzer) -o $@ $^ $(LIBS)

-include $(wildcard $(B)/test/fuzz/*.d)

fuzzers: $(FUZZ:%=$(B)/test/fuzz/%)
.PHONY: fuzzers fuzz fuzz-keep

# TARGETS='http resp': these only; SECONDS=n: for each. One after the other on a terminal, which
# shows how each gets on; else as many at once as there are cores.
TARGETS = $(FUZZ)

fuzz:
	@$(SETUP) fuzz
	+@$(AGAIN) fuzzers B=build/fuzz CC=clang FORM='$(FUZZ_FORM)'
	@if [ -t 1 ]; then test/fuzz/run.sh build/fuzz/test/fuzz $(SECONDS) $(TARGETS); else \
		printf '%s\n' $(TARGETS) | \
		xargs -P$(NPROC) -n1 test/fuzz/run.sh build/fuzz/test/fuzz $(SECONDS); fi

# Puts what make fuzz found into corpus/, as few and as small as cover the same.
fuzz-keep:
	@$(SETUP) fuzz
	+@$(AGAIN) fuzzers B=build/fuzz CC=clang FORM='$(FUZZ_FORM)'
	@test/fuzz/run.sh build/fuzz/test/fuzz keep $(TARGETS)
