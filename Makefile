# The entry points. `make` alone lists them.

IECHOR_ROOT ?= $(CURDIR)/target/example
CARGO ?= cargo
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

# What the tests and the example need of Debian, as command=package.
NEEDS := busybox=busybox-static podman=podman runc=runc skopeo=skopeo umoci=umoci \
         docker-registry=docker-registry debootstrap=debootstrap setfattr=attr getfacl=acl \
         xz=xz-utils bzip2=bzip2 zstd=zstd curl=curl script=bsdutils cc=gcc git=git \
         chromium=chromium dot=graphviz openssl=openssl
# What the benchmarks compare with.
BENCH_NEEDS := buildah=buildah fuse-overlayfs=fuse-overlayfs strace=strace \
               fio=fio python3=python3 make=make dpkg-deb=dpkg \
               mkfs.ext4=e2fsprogs losetup=mount

.PHONY: help deps build example test test-fs-long test-saboteur test-programs test-prune-long suites lint fmt bench bench-fs bench-cache bench-commit bench-diff ci

help: ## List the entry points
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## Install the Debian packages that the tests and the example need
	@./.ci/install-missing $(NEEDS)

build: ## Build the program: target/release/iechor
	$(CARGO) build --release -p iechor

example: ## Build examples/hello with the program; the second time it is all hits
	@./.ci/install-missing busybox=busybox-static cc=gcc
	$(CARGO) build --release --quiet -p iechor
	IECHOR_ROOT="$(IECHOR_ROOT)" IECHOR="$(abspath $(TARGET))/release/iechor" ./examples/hello/build.sh

test: ## Run every test of the workspace (as root; needs make deps)
	$(CARGO) test --workspace --no-fail-fast

test-fs-long: ## Test the file system for hours: 20,000 random scripts of each kind, 1,000,000 names
	IECHOR_FS_SEQUENCES=20000 IECHOR_FS_SEED=$${IECHOR_FS_SEED:-$$(date +%s)} IECHOR_FS_ENTRIES=1000000 \
		$(CARGO) test -p iechor-snapshotter --test views -- --nocapture

test-saboteur: ## Break one rule of the file system after the other, and see its tests fail
	./snapshotter/tests/saboteur/run

test-programs: ## Run apt, git, npm, cargo, ... as RUN and on a plain overlay, and compare the trees
	@./.ci/install-missing $(NEEDS)
	$(CARGO) build --release -p iechor
	IECHOR="$(abspath $(TARGET))/release/iechor" ./tests/programs/run

suites: ## Run file system suites of others, by PJDFSTEST_DIR, FSX, UNIONMOUNT_DIR, ... (see tests/suites/run)
	$(CARGO) build --release -p iechor
	$(CARGO) build --release -p iechor-snapshotter --example overlay_mount
	IECHOR="$(abspath $(TARGET))/release/iechor" OVERLAY_MOUNT="$(abspath $(TARGET))/release/examples/overlay_mount" \
		./tests/suites/run

test-prune-long: ## Test for a minute that a prune every 100 ms disturbs none of eight builds
	IECHOR_PRUNE_SECONDS=60 $(CARGO) test -p iechor --test e2e a_prune_every_100_ms -- --nocapture

lint: ## Formatting and clippy, warnings refused
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

fmt: ## Format the sources
	$(CARGO) fmt --all

bench: ## Measure against buildah and the kernel's overlayfs
	@./.ci/install-missing $(NEEDS) $(BENCH_NEEDS)
	$(CARGO) bench -p iechor --bench peers

bench-cache: ## Measure what asks the cache at 100,000 records
	$(CARGO) bench -p iechor --bench cache

bench-commit: ## Measure the commit of a step and the first listing of a mount
	$(CARGO) bench -p iechor-snapshotter --bench commit

bench-diff: ## Measure a difference of 10 of 1,000,000 files
	$(CARGO) bench -p iechor --bench diff

bench-fs: ## Measure a step's file system against the kernel's overlayfs and fuse-overlayfs
	@./.ci/install-missing $(NEEDS) $(BENCH_NEEDS)
	$(CARGO) bench -p iechor --bench fs

ci: ## Everything that CI runs
	./.ci/run
