/*
 * fuzz_import.c: every form that import reads. The first byte chooses the form (modulo their
 * number; 0 lets detection choose), the second byte options, the rest is the file.
 */
#include "store/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const rn_import_problem problems[] = {{"Tiny/0", "def f(x):\n    \"\"\"one\n    >>> f(1)\n"},
                                             {"Tiny/1", "def f(x):\n    \"\"\"two\n"},
                                             {"Tiny/2", "def g(x):\n"}};

static char file[64], store_path[64];
static rn_store *store;

static void remove_files(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    rn_store_close(store);
    store = NULL;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s%s", store_path, ends[i]);
        unlink(path);
    }
    unlink(file);
}

/* A fresh store now and then: rows of many inputs make it slow. */
static void prepare(void)
{
    enum { RUNS_PER_STORE = 300 };
    static int n;
    if (n == 0) {
        const char *dir = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(file, sizeof file, "%s/fuzz-import-%ld", dir, (long)getpid());
        snprintf(store_path, sizeof store_path, "%s/fuzz-import-%ld.db", dir, (long)getpid());
        atexit(remove_files);
    }
    if (n++ % RUNS_PER_STORE == 0) {
        remove_files();
        if (rn_store_open(store_path, RN_STORE_CREATE, &store, NULL)) abort();
    }
}

static void ignore(void *user, const rn_err *err)
{
    (void)user;
    /* A message is whole, and has no control characters whatever the file held. */
    for (const char *p = err->msg; *p; p++)
        if ((unsigned char)*p < 0x20) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    prepare();
    FILE *f = fopen(file, "wb");
    if (!f || fwrite(data + 2, 1, size - 2, f) != size - 2 || fclose(f)) abort();
    const char *files[] = {file};
    char settings[32];
    static int run;
    snprintf(settings, sizeof settings, "{\"run\": %d}", run++ % 50);
    bool known = (data[1] & 1) == 0;
    const rn_import_opts opts = {.set_name = known ? "tiny" : "ids",
                                 .set_hash = known ? "x" : "",
                                 .problems = known ? problems : NULL,
                                 .n_problems = known ? 3 : 0,
                                 .model = "m",
                                 .settings = settings,
                                 .files = files,
                                 .n_files = 1,
                                 .format = (rn_import_format)(data[0] % RN_N_IMPORT_FORMATS),
                                 .map = (data[1] & 16) ? file : NULL,
                                 .greedy = (data[1] & 2) != 0,
                                 .append = (data[1] & 4) != 0,
                                 .skip_bad = (data[1] & 8) != 0,
                                 .declared = (data[1] & 32) ? 2 : 0,
                                 .on_bad = ignore};
    rn_err err = {0};
    int rc = rn_import(store, &opts, NULL, &err);
    if (rc) ignore(NULL, &err);
    if (rc && !err.msg[0]) abort();
    return 0;
}
