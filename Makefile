# Reeve's commands. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test build

TARGET := $(or $(CARGO_TARGET_DIR),target)

help: ## this list
	@echo "Reeve: a control room for a PostgreSQL estate."
	@echo
	@sed -n 's/^\([a-z]*\):.*## /  make \1 \t/p' $(MAKEFILE_LIST) | expand -t 14
	@echo
	@echo "make run heeds REEVE_LISTEN, REEVE_DATA_DIR, REEVE_ADMIN_EMAIL and REEVE_ADMIN_PASSWORD."
	@echo "While developing: cargo xtask help"

run: ## install what is missing, build, and start Reeve with the sample estate
	@scripts/setup.sh run
	@cargo xtask assets
	@cargo build --locked --bin reeve
	@exec $(TARGET)/debug/reeve demo

test: ## install what tests need, then run every check and test
	@scripts/setup.sh test
	@cargo xtask test

build: ## leave the release binary, assets inside, at target/release/reeve
	@scripts/setup.sh build
	@cargo xtask assets
	@cargo build --locked --release --bin reeve
	@ls -lh $(TARGET)/release/reeve
