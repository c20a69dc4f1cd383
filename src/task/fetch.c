/*
 * fetch.c: sources, checks, and putting files in place.
 *
 * A published hash is pinned where the publisher's file was at hand (HumanEval, HumanEval-X,
 * infilling and LeetCodeDataset from their repositories; MBPP). Elsewhere the first
 * download is trusted as far as it can be read as the set it claims to be, with all its problems,
 * and its hash is recorded beside it (FILE.sha256, as sha256sum writes it); later downloads must
 * equal the record.
 */
#include "task/fetch.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "task/download.h"
#include "task/load_priv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define GITHUB "https://raw.githubusercontent.com/"
#define HUB    "https://huggingface.co/datasets/"

#define SOURCE(name_, check_, url_, file_, sha_, size_, mib, ...)                                  \
    {                                                                                              \
        .name = name_, .check = check_, .url = url_, .file = file_, .sha256 = sha_, .size = size_, \
        .max_bytes = (int64_t)(mib) << 20, __VA_ARGS__                                             \
    }
/* What is read as the set of its name. */
#define SET(name_, url_, file_, sha_, size_, mib) \
    SOURCE(name_, name_, url_, file_, sha_, size_, mib, .content = NULL)
#define HUMANEVAL_X(lang, size_, sha_)                                                            \
    SET("humaneval-x-" lang,                                                                      \
        GITHUB "THUDM/CodeGeeX/main/codegeex/benchmark/humaneval-x/" lang "/data/humaneval_" lang \
               ".jsonl.gz",                                                                       \
        "humaneval-x/humaneval_" lang ".jsonl.gz", sha_, size_, 16)
#define INFILLING(name_, file_, size_, sha_)                                                      \
    SET(name_, GITHUB "openai/human-eval-infilling/master/data/" file_, "infilling/" file_, sha_, \
        size_, 16)
/* What evalplus itself downloads. */
#define EVALPLUS(name_, release, file_)                                                       \
    SET(name_ "-plus", "https://github.com/evalplus/" release "/" file_, name_ "plus/" file_, \
        NULL, "?", 256)
#define MULTIPL_E(lang, text)                                                     \
    SET("multipl-e-" #lang,                                                       \
        GITHUB "nuprl/MultiPL-E/main/prompts/humaneval-" #lang "-reworded.jsonl", \
        "multipl-e/humaneval-" #lang "-reworded.jsonl", NULL, "?", 16),
#define PACK(lang, text)                                                                  \
    SET("humanevalpack-" #lang,                                                           \
        HUB "bigcode/humanevalpack/resolve/main/data/" #lang "/data/humanevalpack.jsonl", \
        "humanevalpack/humanevalpack_" #lang ".jsonl", NULL, "?", 16),
/* Its harness' own file; which release is current changes, so that no hash is pinned. */
#define BIGCODEBENCH(name_, file_)                                                      \
    SET(name_,                                                                          \
        "https://github.com/bigcode-project/bigcodebench-annotation/releases/download/" \
        "v0.1.4/" file_,                                                                \
        "bigcodebench/" file_, NULL, "?", 256)
#define LIVECODEBENCH(version, part, size_, later_)                                  \
    SOURCE("livecodebench" version, "livecodebench" version,                         \
           HUB "livecodebench/code_generation_lite/resolve/main/test" part ".jsonl", \
           "livecodebench/test" part ".jsonl", NULL, size_, 8192, .later = later_)

static const rn_source sources[] = {
    SOURCE("humaneval", "humaneval", GITHUB "openai/human-eval/master/data/HumanEval.jsonl.gz",
           "humaneval/HumanEval.jsonl.gz",
           "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef", "45 kB", 16,
           .content = "67b5c0517232c976c2fb5a51fd73e917228c7196cf1bdb7544dead5663fe6e00"),
    SOURCE("mbpp", "mbpp-full", GITHUB "google-research/google-research/master/mbpp/mbpp.jsonl",
           "mbpp/mbpp.jsonl", "ccf64ceae9c5403bf50a044cb6d505bfd2a2963ee58338ba268fd65beab92a9f",
           "564 kB", 64,
           .content = "7d93d9f5b40da403c4743e4fd8f908a5f2b0a632bfff0cb5c58095cf3d1a22ca"),
    SOURCE("mbpp-sanitized", "mbpp-sanitized-full",
           GITHUB "google-research/google-research/master/mbpp/sanitized-mbpp.json",
           "mbpp/sanitized-mbpp.json", NULL, "280 kB", 64,
           .content = "0891d7fb57b923d97a9cc3c24314362ce297dcbcfb859523e2e4e909355230cc"),
    SOURCE("apps", "apps-introductory", HUB "codeparrot/apps/resolve/main/test.jsonl",
           "apps/test.jsonl", NULL, "1.3 GB", 8192, .content = NULL),
    HUMANEVAL_X("cpp", "51 kB", "dcf2e280a1e91bbc3c5f90edb41397e8a9ac1ccc9f5d2b70082f0b0fbfb6dbb0"),
    HUMANEVAL_X("go", "57 kB", "09126ef64ac68f87296c5f3781186aedc5dec799b114d9df99d6de4a715a7830"),
    HUMANEVAL_X("java", "56 kB",
                "276f36db2eb7aeb864f36a19a2f4e1bb2460fb6e22ff100f0b5bedabe3799967"),
    HUMANEVAL_X("js", "52 kB", "fe5d467f2c1a027b3f6f18d3729aca01f6458c1de2e2d1292a019c5aa9bed424"),
    HUMANEVAL_X("python", "53 kB",
                "5752fb122efddb0e9b47c77907ae6ce9a15aac4dea14e44c46032c831e6b987a"),
    HUMANEVAL_X("rust", "47 kB",
                "ae5cabbbfc8fe25244a608b04f09ac3b324c645ac969dfc033756c12f0f9924c"),
    INFILLING("infilling-single-line", "HumanEval-SingleLineInfilling.jsonl.gz", "75 kB",
              "1277073e7ddce163ef68598c2bca777f688a53df99422f097e37362090f88e1f"),
    INFILLING("infilling-multi-line", "HumanEval-MultiLineInfilling.jsonl.gz", "170 kB",
              "2f341612eee1d35da1357a4f365e0c0b3ba6e2b62eb491e88aaefa4855af0349"),
    INFILLING("infilling-random-span", "HumanEval-RandomSpanInfilling.jsonl.gz", "90 kB",
              "b4f330d8a8ff97bf85d9def497dffcae4d741e506449386a877236e422e33e8d"),
    BIGCODEBENCH("bigcodebench", "BigCodeBench.jsonl.gz"),
    BIGCODEBENCH("bigcodebench-hard", "BigCodeBench-Hard.jsonl.gz"),
    EVALPLUS("humaneval", "humanevalplus_release/releases/download/v0.1.10",
             "HumanEvalPlus.jsonl.gz"),
    EVALPLUS("mbpp", "mbppplus_release/releases/download/v0.2.0", "MbppPlus.jsonl.gz"),
    SET("leetcode",
        GITHUB "newfacade/LeetCodeDataset/main/data/LeetCodeDataset-v0.3.1-test.jsonl.gz",
        "leetcode/LeetCodeDataset-v0.3.1-test.jsonl.gz",
        "3ae536cb41342076691730b72424fdfb9264f233e05c81bf37b5f7e227ea1853", "1.0 MB", 64),
    RN_PACK_LANGUAGES(PACK) RN_MULTIPL_E_LANGUAGES(MULTIPL_E)
        LIVECODEBENCH("", "", "1.2 GB",
                      "livecodebench-v2 livecodebench-v3 livecodebench-v4 livecodebench-v5 "
                      "livecodebench-v6"),
    LIVECODEBENCH("-v2", "2", "?", NULL),
    LIVECODEBENCH("-v3", "3", "?", NULL),
    LIVECODEBENCH("-v4", "4", "?", NULL),
    LIVECODEBENCH("-v5", "5", "?", NULL),
    LIVECODEBENCH("-v6", "6", "?", NULL),
};

const rn_source *rn_source_at(size_t i)
{
    return i < sizeof sources / sizeof sources[0] ? &sources[i] : NULL;
}

const rn_source *rn_source_find(const char *name)
{
    const rn_set_spec *set = rn_set_find(name);
    const char *wanted = set && set->source ? set->source : name;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        if (strcmp(sources[i].name, wanted) == 0) return &sources[i];
    return NULL;
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* The file must open as the set it should be, with all its problems. */
static int check_content(const rn_source *src, const char *path, rn_fetched *out, rn_err *err)
{
    const rn_set_spec *spec = rn_set_find(src->check);
    rn_taskset *set = NULL;
    int rc = rn_load_path(path, spec, &set, err);
    if (rc) return rn_err_prefix(err, "this is not the problem set %s", src->name);
    out->n = set->n;
    memcpy(out->hash, set->hash, sizeof out->hash);
    rn_taskset_free(set);
    if (spec->n_expected && out->n != spec->n_expected)
        return rn_fail(
            err, RN_EFORMAT,
            "%s holds %zu problems of %s, the published file has %zu; use it by its path "
            "if it is meant to differ",
            path, out->n, spec->name, spec->n_expected);
    if (src->content && strcmp(src->content, out->hash) != 0)
        rn_warn("%s: the problems differ from those that ration was tested with (set hash %.16s, "
                "known %.16s)",
                src->name, out->hash, src->content);
    return 0;
}

/* FILE.sha256's hash into `hex`; "" if there is none. */
static void recorded_hash(const char *path, char hex[RN_SHA256_HEX])
{
    rn_path name;
    rn_buf text = {0};
    hex[0] = '\0';
    if (!rn_file_read(rn_path_make(&name, "%s.sha256", path), 4096, &text, NULL) &&
        text.len >= RN_SHA256_HEX - 1) {
        memcpy(hex, text.data, RN_SHA256_HEX - 1);
        hex[RN_SHA256_HEX - 1] = '\0';
    }
    rn_buf_free(&text);
}

static int record_hash(const char *path, const char *hex, rn_err *err)
{
    rn_path name;
    rn_buf text = {0};
    const char *base = strrchr(path, '/');
    rn_path_make(&name, "%s.sha256", path);
    rn_buf_printf(&text, "%s  %s\n", hex, base ? base + 1 : path);
    int rc = rn_buf_ok(&text) ? rn_file_write_atomic(name.s, rn_buf_view(&text), err)
                              : rn_nomem(err, NULL);
    rn_buf_free(&text);
    return rc;
}

/* What the file's hash must be: the caller's, the published one, the recorded one, or "". */
static void expected_hash(const rn_source *src, const rn_fetch_opts *o, const char *path,
                          char hex[RN_SHA256_HEX])
{
    const char *known = o->sha256 ? o->sha256 : src->sha256;
    if (known)
        snprintf(hex, RN_SHA256_HEX, "%s", known);
    else
        recorded_hash(path, hex);
}

/* ---- placing --------------------------------------------------------------------------------- */

static int make_folder(const char *path, rn_err *err)
{
    rn_path dir;
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path) return 0;
    return rn_dir_make(rn_path_make(&dir, "%.*s", (int)(slash - path), path), err);
}

static bool has_tail(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

/* The name under which a local copy is found: of the set's names the first that is compressed or
 * not as the copy is. */
static const char *name_for_copy(const rn_source *src, const char *from)
{
    const rn_set_spec *spec = rn_set_find(src->check);
    for (size_t i = 0; spec->files[i]; i++)
        if (has_tail(spec->files[i], ".gz") == has_tail(from, ".gz")) return spec->files[i];
    return src->file;
}

/* Checks PART and renames it to out->path. */
static int place(const rn_source *src, const rn_fetch_opts *o, const char *part, rn_fetched *out,
                 rn_err *err)
{
    char want[RN_SHA256_HEX] = "";
    int rc = rn_sha256_file(part, out->sha256, err);
    if (rc) return rc;
    if (!o->from || o->sha256) expected_hash(src, o, out->path, want);
    if (want[0] && strcasecmp(want, out->sha256) != 0) {
        rn_download_forget(part);
        return rn_fail(err, RN_EFORMAT,
                       "%s: the file's SHA-256 is %s, expected is %s; it was not kept. If the "
                       "publisher has changed the file, say so with --sha256",
                       o->url ? o->url : src->url, out->sha256, want);
    }
    rc = check_content(src, part, out, err);
    if (rc) {
        rn_download_forget(part);
        return rc;
    }
    if (rename(part, out->path)) return rn_fail_errno(err, "cannot rename to %s", out->path);
    rn_download_forget(part); /* its notes */
    out->recorded = !want[0] && !src->sha256;
    return record_hash(out->path, out->sha256, err);
}

/* A file that is there: unchanged is fine, changed is for the user to decide. */
static int keep_existing(const rn_source *src, const rn_fetch_opts *o, rn_fetched *out, rn_err *err)
{
    char want[RN_SHA256_HEX];
    int rc = rn_sha256_file(out->path, out->sha256, err);
    if (!rc) rc = check_content(src, out->path, out, err);
    if (rc) return rn_err_prefix(err, "%s is there but unusable; --again replaces it", out->path);
    recorded_hash(out->path, want);
    if (o->sha256 || !want[0]) expected_hash(src, o, out->path, want);
    if (want[0] && strcasecmp(want, out->sha256) != 0)
        return rn_fail(err, RN_EEXIST,
                       "%s is there with SHA-256 %s, expected is %s; --again replaces it",
                       out->path, out->sha256, want);
    out->already = true;
    return 0;
}

static int bring(const rn_source *src, const rn_fetch_opts *o, const char *part, rn_fetched *out,
                 rn_err *err)
{
    if (o->from) {
        int rc = rn_file_copy(o->from, part, err);
        if (!rc) rc = place(src, o, part, out, err);
        if (rc) unlink(part);
        return rc;
    }
    rn_download d = {.url = o->url ? o->url : src->url,
                     .part = part,
                     .max_bytes = src->max_bytes,
                     .retries = o->retries,
                     .progress = o->progress,
                     .user = o->user};
    int rc = rn_download_run(&d, &out->resumed, err);
    return rc ? rc : place(src, o, part, out, err);
}

int rn_fetch(const rn_source *src, const rn_fetch_opts *o, rn_fetched *out, rn_err *err)
{
    rn_fetched f = {0};
    struct stat st;
    if (o->from && stat(o->from, &st) == 0 && S_ISDIR(st.st_mode))
        return rn_fail(err, RN_EUNSUPPORTED,
                       "%s is a folder; a set in folders is used by its path (-t %s), or moved to "
                       "%s/apps/test by hand",
                       o->from, o->from, o->data_dir);
    if (o->sha256 && (strlen(o->sha256) != RN_SHA256_HEX - 1 ||
                      strspn(o->sha256, "0123456789abcdefABCDEF") != RN_SHA256_HEX - 1))
        return rn_fail(err, RN_EINVAL, "a SHA-256 has 64 hexadecimal digits, not '%s'", o->sha256);
    const char *file = o->from ? name_for_copy(src, o->from) : src->file;
    int n = snprintf(f.path, sizeof f.path, "%s/%s", o->data_dir, file);
    if (n < 0 || (size_t)n >= sizeof f.path)
        return rn_fail(err, RN_EINVAL, "the data folder's path is too long");
    int rc = make_folder(f.path, err);
    if (rc) return rc;
    if (rn_file_exists(f.path) && !o->again) {
        rc = keep_existing(src, o, &f, err);
    } else {
        rn_buf part = {0};
        rn_buf_printf(&part, "%s%s", f.path, o->from ? ".copy" : ".part");
        rc = rn_buf_ok(&part) ? bring(src, o, part.data, &f, err) : rn_nomem(err, NULL);
        rn_buf_free(&part);
    }
    if (!rc) *out = f;
    return rc;
}
