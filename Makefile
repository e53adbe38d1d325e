# `make` lists what can be done. Builds are incremental: only what changed is built again.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

SEED   ?= 7
ABOUT  ?=
LISTEN ?= 127.0.0.1:8080

# Folders are listed with their files, so that a file taken away is noticed too; but not wasm, which is a target's name.
go_files   := $(filter-out wasm,$(shell find core server wasm static -path static/dist -prune -o \( -type d -o -name '*.go' \) ! -name '*_test.go' -print))
core_files := $(filter core core/%,$(go_files))
ui_files   := $(shell find ui/src ui/public ! -name '*.test.ts') $(wildcard ui/*.html ui/*.ts ui/*.js)

wasm     := ui/build/raftplay.wasm
wasm_js  := ui/build/wasm_exec.js
modules  := ui/node_modules/.package-lock.json
site     := static/dist/index.html
raftplay := bin/raftplay
go_build := go build -trimpath -buildvcs=false

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: $(raftplay) ## set up and build everything, and serve the playground on this machine
	@$(raftplay) serve --listen $(LISTEN)

.PHONY: test
test: ## set up everything and pass all tests
	@.ci/test

.PHONY: build
build: $(raftplay) ## build bin/raftplay with the page inside

.PHONY: wasm
wasm: $(wasm) $(wasm_js) ## build the cluster for the browser

.PHONY: ui
ui: $(site) ## build the page into static/dist

.PHONY: bench
bench: $(raftplay) bin/bench bin/bench.wasm bin/bench-live bin/bench-etcd ## measure speed and size, and print a table
	@.ci/bench

.PHONY: lint
lint: need-go $(modules) ## check the form of everything: buf, gofmt, vet, staticcheck, svelte-check
	@.ci/lint

.PHONY: proto
proto: need-go $(modules) ## generate the Go and TypeScript of the schema
	cd core/pb && ../../ui/node_modules/.bin/buf generate && ../../ui/node_modules/.bin/buf generate --template buf.gen.rpc.yaml

.PHONY: proto-check
proto-check: need-go $(modules) ## fail when the generated code is not of this schema
	@.ci/proto-check

.PHONY: golden
golden: need-go $(modules) ## rewrite the transcripts that tests compare with
	@.ci/golden

.PHONY: hash
hash: $(raftplay) bin/seeds.wasm ## print a busy run's hash, natively and in wasm: make hash SEED=7 [ABOUT=--regions|--swarm]
	@echo "native $$($(raftplay) sim run $(or $(subst --swarm,--swarm --unsafe,$(ABOUT)),--exercise) --seed $(SEED) --json | sed -n 's/.*"hash": *"\([0-9a-f]*\)".*/\1/p')"
	@echo "wasm $$(.ci/exec-wasm bin/seeds.wasm $(ABOUT) $(SEED) $(SEED) | cut -d' ' -f2)"

.PHONY: swarm
swarm: $(raftplay) ## try many runs under random faults: make swarm SEEDS=1000 [START=1]
	@$(raftplay) sim swarm --seeds $(or $(SEEDS),1000) --start $(or $(START),1) --coverage

.PHONY: torture
torture: need-go ## kill and freeze real stores under load and judge what clients heard: make torture CYCLES=200 [SEED=7]
	@go test -count=1 -timeout 0 -v -run '^TestProcessesThatAreKilledAndFrozen' ./server/torture -cycles=$(or $(CYCLES),200) -seed=$(SEED)

.PHONY: mutate
mutate: need-go ## break one line of the store at a time and show that its test notices
	@.ci/mutate

.PHONY: clean
clean: ## remove everything that was built or installed
	rm -rf bin ui/build ui/node_modules ui/test-results ui/playwright-report
	find static/dist -mindepth 1 ! -name .gitkeep -delete

.PHONY: need-go need-node
need-go need-node: need-%:
	@.ci/need $*

$(raftplay): $(go_files) go.mod go.sum $(site) | need-go
	$(go_build) -o $@ ./server/raftplay

# GOOS=js has no threads: the worker runs this, and answers between slices.
$(wasm): $(core_files) $(wildcard wasm/*.go) go.mod go.sum | need-go
	@mkdir -p $(@D)
	GOOS=js GOARCH=wasm $(go_build) -ldflags='-s -w' -o $@ ./wasm

# The glue belongs to the compiler's version, so it comes from there.
$(wasm_js): $(wasm)
	cp "$$(go env GOROOT)/lib/wasm/wasm_exec.js" $@
	@touch $@

# Scripts of packages are not run: none of ours needs one.
$(modules): ui/package.json ui/package-lock.json | need-node
	cd ui && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

bin/precompress: $(wildcard server/web/precompress/*.go) go.mod go.sum | need-go
	$(go_build) -o $@ ./server/web/precompress

$(site): $(ui_files) $(wasm) $(wasm_js) $(modules) bin/precompress
	cd ui && node_modules/.bin/vite build --logLevel warn
	bin/precompress
	@touch $@

bin/seeds: $(core_files) $(wildcard server/bench/seeds/*.go) go.mod go.sum | need-go
	$(go_build) -o $@ ./server/bench/seeds

bin/seeds.wasm: $(core_files) $(wildcard server/bench/seeds/*.go) go.mod go.sum | need-go need-node
	GOOS=js GOARCH=wasm $(go_build) -o $@ ./server/bench/seeds

bin/bench: $(core_files) $(wildcard server/bench/core/*.go) go.mod go.sum | need-go
	$(go_build) -o $@ ./server/bench/core

bin/bench.wasm: $(core_files) $(wildcard server/bench/core/*.go) go.mod go.sum | need-go need-node
	GOOS=js GOARCH=wasm $(go_build) -o $@ ./server/bench/core

bin/bench-live: $(go_files) go.mod go.sum | need-go
	$(go_build) -o $@ ./server/bench/live

# A module of its own, so that nothing else depends on etcd.
bin/bench-etcd: $(wildcard server/bench/etcd/*) | need-go
	cd server/bench/etcd && $(go_build) -o ../../../$@ .
