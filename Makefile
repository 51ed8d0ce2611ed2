# Every command there is. `make help` lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run web test check format release package bench drill fuzz chaos chaos-mutants soak openapi clean

WEB_SOURCES := $(shell git ls-files frontends packages/api-client packages/markdown packages/ui-components package.json package-lock.json 2>/dev/null)
WEB := frontends/chat/dist/index.html

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

run: $(WEB) ## Build what is needed and start an instance on this machine (ARGS="--listen 127.0.0.1:9000" …)
	@tools/need rust cc
	@cargo build --quiet -p taifas
	@exec target/debug/taifas serve --log text $(ARGS)

web: $(WEB) ## Build the web app

$(WEB): $(WEB_SOURCES)
	@tools/need node
	@npm ci --silent
	@npm run --silent build
	@touch $(WEB)

test: ## Install what the tests need and run all of them
	@tools/test

check: ## Formatting, lints, types and documentation, warnings are errors
	@tools/check

format: ## Format the Rust sources
	cargo fmt --all

release: $(WEB) ## The optimised binary, web app inside: target/release/taifas
	@tools/need rust cc
	cargo build --release --locked -p taifas

package: release ## A Debian package of the optimised binary: target/package/taifas_*.deb
	@tools/package target/release/taifas

bench: release ## Measure against controls of the same run
	@tests/performance/run

chaos: $(WEB) ## Kill it a thousand times and harm it in other ways for an hour or so; ends with a scorecard
	@tools/chaos

soak: $(WEB) ## Load for long, with and without kills: memory, descriptors and streams must be what they were (SOAK_MINUTES=30)
	@tools/chaos soak

chaos-mutants: $(WEB) ## Every seeded fault of the program must be found by the crash suite
	@tools/chaos mutants

drill: $(WEB) ## Lose an instance under load, restore it from its archive, print RPO and RTO (DRILL_MB=256)
	@tools/need rust cc
	@cargo build --quiet --release --locked -p taifas
	@TAIFAS_BIN=target/release/taifas DRILL_MB=$(or $(DRILL_MB),256) DRILL_SECONDS=30 cargo test --quiet --locked -p tests --test e2e -- --nocapture drill::

fuzz: ## Broken input of every kind for FUZZ_SECONDS=600 a target; failing cases are kept beside their tests
	@tools/fuzz

openapi: ## Write the API's description and the client's types anew
	@tools/need rust cc node
	cargo run --quiet -p taifas -- openapi > packages/api-client/openapi.json
	npm run --silent generate --workspace packages/api-client

clean: ## Remove what was built
	rm -rf target node_modules frontends/*/dist
