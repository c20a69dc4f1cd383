# ration: `make demo` sees it work, `make test` checks it, `make help` lists the rest.
#
# V=1 shows the commands. One build folder per kind of build: BUILD=build (default), build/asan, build/tsan, build/clang.
# Objects of src/ go into libration; src/cli and the judge's host process are the two programs.

comma   := ,
BUILD   ?= build
Q        = $(if $(V),,@)
CC      ?= cc
PREFIX  ?= /usr/local
SAN     ?=
JOBS    ?= $(shell nproc)

VERSION := $(shell sed -n 's/^\#define RN_VERSION "\(.*\)"/\1/p' include/ration.h)
ARCH    := $(shell $(CC) -dumpmachine | cut -d- -f1)

# Debian's own libraries, also where another Python or pkg-config path comes first.
PKGS    := sqlite3 jansson libseccomp libpcre2-8 nettle zlib libzstd
PKGCONF := PKG_CONFIG_PATH= pkg-config
# libcurl and Snappy are loaded when they are needed (src/base/late.h).
LIBS     = $(shell $(PKGCONF) --libs $(PKGS)) -lm -lpthread
PY_CFLAGS = $(shell $(PKGCONF) --cflags python3-embed)
PY_LIBS   = $(shell $(PKGCONF) --libs python3-embed)

WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes \
           -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Werror
OPT     ?= -O2
# -ffp-contract=off: a sum is the same sum in every file; kernels ask for fma where they want it.
CFLAGS_ALL = -std=c17 -D_GNU_SOURCE $(OPT) -g $(WARN) -fPIC -fvisibility=hidden -ffp-contract=off \
             -Iinclude -Isrc $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) $(CFLAGS)
LDFLAGS_ALL = $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)

# Kernels of one instruction set carry its name and are compiled with its flags only.
ifeq ($(ARCH),x86_64)
OTHER_ARCH := %_neon.c
else ifeq ($(ARCH),aarch64)
OTHER_ARCH := %_avx2.c %_avx512.c %_amx.c
else
OTHER_ARCH := %_avx2.c %_avx512.c %_amx.c %_neon.c
endif
ISA_avx2   := -mavx2 -mfma -mf16c
ISA_avx512 := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c
ISA_amx    := $(ISA_avx512) -mgfni -mamx-tile -mamx-int8
ISA_neon   := -march=armv8.2-a+dotprod+fp16
isa_of      = $(ISA_$(lastword $(subst _, ,$(basename $(notdir $(1))))))

MODULES  := base gguf model remote task judge rank cost stat store run report
LIB_SRC  := $(filter-out $(OTHER_ARCH) src/judge/host%,$(wildcard $(MODULES:%=src/%/*.c)))
CLI_SRC  := $(wildcard src/cli/*.c)
HOST_SRC := $(wildcard src/judge/host*.c)
TEST_SRC := $(wildcard tests/test_*.c)
BENCH_SRC := $(wildcard bench/bench_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
EXAMPLE_SRC := $(wildcard docs/examples/*.c)

obj       = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB_OBJ  := $(call obj,$(LIB_SRC))
CLI_OBJ  := $(call obj,$(CLI_SRC))
HOST_OBJ := $(call obj,$(HOST_SRC))
TESTS    := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)
BENCHES  := $(BENCH_SRC:bench/%.c=$(BUILD)/bench/%)
EXAMPLES := $(EXAMPLE_SRC:docs/examples/%.c=$(BUILD)/examples/%)
HOST     := $(if $(HOST_SRC),$(BUILD)/ration-judge-host)

.PHONY: all help deps deps-all demo test bench figures check sanitize fuzz install uninstall clean bin tests benches
.DELETE_ON_ERROR:

# A plain `make` installs nothing: it names the packages that are missing. demo, test and deps install.
all:
	@tools/deps.sh --print build
	@$(MAKE) --no-print-directory -j$(JOBS) bin

bin: $(BUILD)/ration $(HOST) $(BUILD)/libration.a $(BUILD)/libration.so

help:
	@echo "make            build $(BUILD)/ration and libration; names packages that are missing"
	@echo "make deps       install the packages that building needs"
	@echo "make demo       install what is missing, build, and run the main job"
	@echo "make test       build and run every test"
	@echo "make check      formatting, static analysis, gcc and clang with warnings as errors"
	@echo "make sanitize   the tests under ASan + UBSan, the threaded ones under TSan"
	@echo "make fuzz       fuzz targets, FUZZ_SECONDS each (default 60)"
	@echo "make bench      every number of the README and docs"
	@echo "make figures    rewrite the figures of README and docs (RATION_DATA: recorded samples)"
	@echo "make install    into PREFIX=$(PREFIX), DESTDIR honoured"

deps:
	@tools/deps.sh build

deps-all:
	@tools/deps.sh

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS_ALL) $(call isa_of,$<) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(call obj,$(HOST_SRC)): EXTRA_CFLAGS = $(PY_CFLAGS)

$(BUILD)/obj/src/judge/host_apart.o: $(wildcard src/judge/host_*.py)

$(BUILD)/libration.a: $(LIB_OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/libration.so: $(LIB_OBJ)
	$(Q)$(CC) $(LDFLAGS_ALL) -shared -Wl,-soname,libration.so.0 -o $@ $^ $(LIBS)

$(BUILD)/ration: $(CLI_OBJ) $(BUILD)/libration.a
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# The host of judged programs is small on purpose: base and its own files, libpython, nothing else.
# Python's extension modules find these functions in it before the C library's: host_shm.c.
HOST_EXPORTS = $(addprefix -Wl$(comma)--export-dynamic-symbol=,sem_open sem_close sem_unlink shm_open shm_unlink)
$(BUILD)/ration-judge-host: $(HOST_OBJ) $(BUILD)/libration.a
	$(Q)$(CC) $(LDFLAGS_ALL) $(HOST_EXPORTS) -o $@ $^ $(PY_LIBS) -lseccomp -lnettle -lm

$(BUILD)/tests/%: tests/%.c $(BUILD)/libration.a
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -Wno-missing-prototypes -MMD -MP -MF $@.d $(LDFLAGS_ALL) -o $@ $< \
	  $(BUILD)/libration.a -lcmocka $(LIBS)

$(BUILD)/bench/%: bench/%.c $(BUILD)/libration.a
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) -o $@ $< $(BUILD)/libration.a $(LIBS)

# Examples see only what an installed program sees: the public header and the library.
$(BUILD)/examples/%: docs/examples/%.c $(BUILD)/libration.a
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE $(OPT) -g $(WARN) -Iinclude $(if $(SAN),-fsanitize=$(SAN)) -o $@ $< \
	  $(BUILD)/libration.a $(LIBS)

# Benches too: nothing else would tell that one compiles no more.
tests: bin $(TESTS) $(EXAMPLES) benches

benches: $(BENCHES)

test: deps-all
	@$(MAKE) --no-print-directory -j$(JOBS) tests
	@tests/run.sh $(BUILD)

demo:
	@tools/deps.sh build demo
	@$(MAKE) --no-print-directory -j$(JOBS) bin
	@$(BUILD)/ration demo

bench: all
	@$(MAKE) --no-print-directory -j$(JOBS) benches
	@bench/run.sh $(BUILD)

figures: all
	@python3 tools/figures.py --stores $(BUILD)/figures

check: deps-all
	@tools/check.sh

sanitize: deps-all
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=build/asan SAN=address,undefined OPT=-O1 tests
	@RATION_SANITIZE=address tests/run.sh build/asan
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=build/tsan SAN=thread OPT=-O1 tests
	@RATION_SANITIZE=thread tests/run.sh build/tsan

fuzz: deps-all
	@RATION_EXTRA_DEPS="clang libclang-rt-14-dev" tools/deps.sh
	@tests/fuzz/run.sh

install: all
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" VERSION="$(VERSION)" BUILD="$(BUILD)" tools/install.sh

uninstall:
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" VERSION="$(VERSION)" BUILD="$(BUILD)" \
	  tools/install.sh --remove

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
