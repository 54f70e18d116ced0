# What people type. The work is in scripts/, so that it reads the same here and on a server.
.PHONY: help demo test soak setup fmt
.DEFAULT_GOAL := help

help:
	@echo 'make demo    build what it needs and run a business day of three networks; ARGS="--payments 10000 --exit" go to it'
	@echo 'make test    set up, build and check everything; the last line is "N passed, N failed"'
	@echo 'make soak    every long suite with its full counts: some hours; ARGS="simulation cuts" for some of them'
	@echo 'make setup   install what is missing, after saying what and why'
	@echo 'make fmt     format the Rust code'

demo:
	@bash scripts/demo $(ARGS)

test:
	@bash scripts/check

soak:
	@bash scripts/soak $(ARGS)

setup:
	@bash scripts/setup

fmt:
	@cargo fmt --all
