# Included by the Makefile.
# make test-targets    the tests of the first two floors, and the demos of demos/mcu, on other
#                      machines, and the sizes of these demos; ARGS='m0 avr': these alone

.PHONY: test-targets

test-targets:
	@$(SETUP) targets
	@status=0; \
	B='$(abspath $(B))' test/targets/run.sh $(ARGS) || status=1; \
	if [ -z '$(ARGS)' ]; then \
		B='$(abspath $(B))' demos/mcu/check.sh || status=1; \
		test/size.sh || status=1; \
	fi; \
	exit $$status
