# What there is to do here; `make help` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

target := $(or $(CARGO_TARGET_DIR),target)
ring := --no-default-features --features ring

.PHONY: help
help: ## List what there is to do
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'

.PHONY: run
run: ## Build, then run the gateway in front of an echo backend, with three commands to paste
	@scripts/install-build.sh
	cargo build --release --locked
	@PORTCULLIS=$(target)/release/portcullis scripts/run-demo.sh

.PHONY: test
test: tools format lint docs unit-aws-lc-rs unit-ring k6-types policy ## Everything that must hold before a change goes in
	@echo "make test: everything holds"

.PHONY: tools
tools: ## Install what building and testing need, if it is missing
	@scripts/install-build.sh
	@scripts/install-test.sh

.PHONY: format
format: ## Check the formatting of every file
	git ls-files -z '*.rs' | xargs -0 rustfmt --check --edition 2024 --config-path .

.PHONY: lint
lint: ## Run clippy with each crypto backend
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --all-targets $(ring) -- -D warnings

.PHONY: docs
docs: ## Build the documentation, private items included
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

.PHONY: unit-aws-lc-rs
unit-aws-lc-rs: ## Run all Rust tests on aws-lc-rs
	cargo test --locked

.PHONY: unit-ring
unit-ring: ## Run all Rust tests on ring
	cargo test --locked $(ring)

.PHONY: k6-types
k6-types: ## Check the types of the k6 scripts
	loadtest/k6/node_modules/.bin/tsc -p loadtest/k6
	@echo "k6 scripts: types hold"

.PHONY: policy
policy: ## Check licences, bans and sources of the dependencies
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check --hide-inclusion-graph licenses bans sources; \
	else echo "dependency policy: NOT TRIED, cargo-deny is not installed (cargo install --locked cargo-deny)"; fi

.PHONY: bench
bench: ## Run the criterion benches
	@scripts/install-build.sh
	cargo bench --locked

.PHONY: loadtest
loadtest: ## Load the demo with and without the gateway; LOAD="--rate 5000 --duration 30s" changes how
	@scripts/install-build.sh
	cargo build --release --locked --bins --examples
	PORTCULLIS=$(target)/release/portcullis scripts/run-demo.sh -- $(target)/release/examples/loadtest \
	  --gateway http://127.0.0.1:8080 --direct http://127.0.0.1:9000 --scenario public,wrap-hot,wrap-cold,wrap-bad \
	  --key-file target/demo/swt.key --claim Birthdate=1979-05-25 $(LOAD)
