# Included by the Makefile.
# make test-targets    the tests of the first two floors, and the demos of demos/mcu, on other
#                      machines; ARGS='m0 avr': on these alone

.PHONY: test-targets

test-targets:
	@$(SETUP) targets
	@status=0; \
	B='$(abspath $(B))' test/targets/run.sh $(ARGS) || status=1; \
	if [ -x demos/mcu/check.sh ] && [ -z '$(ARGS)' ]; then \
		B='$(abspath $(B))' demos/mcu/check.sh || status=1; \
	fi; \
	exit $$status
