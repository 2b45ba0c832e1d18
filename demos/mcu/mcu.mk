# mcu.mk: a part of the Makefile: the demos for microcontrollers, in emulators. make demo-mcu-NAME,
# BOARD=microbit (the default) mps2 mps2-m4 virt avr; make size.

MCU_DEMOS = blinky uart_echo button sensor modbus
BOARD     = microbit

.PHONY: size
demo-mcu-%:
	@[ -n "$(filter $*,$(MCU_DEMOS))" ] || { echo "no demo 'mcu-$*': there are" \
		$(MCU_DEMOS:%=mcu-%); exit 2; } >&2
	@$(SETUP) targets
	@mkdir -p $(B)/mcu
	@demos/mcu/build.sh $(BOARD) $* $(B)/mcu/$*-$(BOARD).elf -DEMULATED
	@[ $* != uart_echo ] || echo 'Type lines; "bye" ends.'
	@demos/mcu/run.sh $(BOARD) $(B)/mcu/$*-$(BOARD).elf $(ARGS)

size:
	@$(SETUP) targets
	@test/size.sh --update
