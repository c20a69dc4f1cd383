/* cmd_fetch.c: `ration fetch SET...`: the public problem sets into the data folder. */
#include "run/stage.h"
#include "cli/commands.h"

#include "base/buf.h"
#include "base/log.h"
#include "task/fetch.h"

#include <stdio.h>

static const char intro[] =
    "Downloads a public problem set once into the data folder, checks it by hash and by reading "
    "it,\n"
    "and puts it in place whole. A broken download continues where it stopped.";

static int show(void *user, int64_t done, int64_t total)
{
    rn_progress *p = user;
    p->total = total > 0 ? total : 0;
    rn_progress_set(p, done, NULL);
    return rn_opt_should_stop(NULL);
}

static void print_sources(void)
{
    const rn_source *s;
    for (size_t i = 0; (s = rn_source_at(i)); i++)
        printf("%-16s %8s  %s\n", s->name, s->size, s->url);
}

static int unknown_source(const rn_command *cmd, const char *name)
{
    rn_buf known = {0};
    for (size_t i = 0; rn_source_at(i); i++)
        rn_buf_printf(&known, "%s%s", i ? ", " : "", rn_source_at(i)->name);
    int status = rn_opt_usage(cmd, "no public set is called '%s'; there are %s", name,
                              rn_buf_ok(&known) ? known.data : "those of --list");
    rn_buf_free(&known);
    return status;
}

static int fetch_one(const rn_command *cmd, const char *name, rn_fetch_opts o)
{
    const rn_source *src = rn_source_find(name);
    if (!src) return unknown_source(cmd, name);
    rn_err err = {0};
    rn_fetched f = {0};
    rn_progress bar;
    rn_progress_start(&bar, src->name, "bytes", 0);
    o.user = &bar;
    int rc = rn_fetch(src, &o, &f, &err);
    rn_progress_end(&bar);
    if (rc) return rn_opt_failure(cmd, &err);
    const char *how = f.already ? "already there" : f.resumed ? "download continued" : "new";
    printf("%s: %s, %zu problems of %s, in %s\n", src->name, how, f.n, src->check, f.path);
    printf("  sha256 %s%s\n", f.sha256,
           f.recorded ? " (no published hash is known: recorded now, later files must equal it)"
                      : "");
    return RN_EXIT_DONE;
}

int rn_cmd_fetch(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("fetch");
    const char *data = NULL, *from = NULL, *url = NULL, *sha256 = NULL;
    bool again = false, list = false;
    int64_t retries = 4;
    const rn_opt table[] = {
        RN_OPT_STR(0, "data", &data, "DIR", "the data folder"),
        RN_OPT_STR(0, "from", &from, "FILE", "take this local copy instead of downloading"),
        RN_OPT_STR(0, "url", &url, "URL", "download from here instead of the set's public home"),
        RN_OPT_STR(0, "sha256", &sha256, "HEX", "the file must have this hash"),
        RN_OPT_FLAG(0, "again", &again, "replace a file that is there"),
        RN_OPT_INT(0, "retries", &retries, "N", "after lost connections (default 4)"),
        RN_OPT_FLAG(0, "list", &list, "show the sets, their sizes and homes"),
        RN_OPT_END};
    int first = 0;
    int status = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (status >= 0) return status;
    if (list) {
        print_sources();
        return RN_EXIT_DONE;
    }
    if (first == argc) return rn_opt_usage(cmd, "which set? 'ration fetch --list' shows them");
    if (argc - first > 1 && (from || url || sha256))
        return rn_opt_usage(cmd, "--from, --url and --sha256 are for one set at a time");
    if (from && url) return rn_opt_usage(cmd, "--from and --url exclude each other");
    if (retries < 0 || retries > 100)
        return rn_opt_usage(cmd, "--retries is between 0 and 100, not %lld", (long long)retries);
    rn_opt_catch_signals();
    rn_fetch_opts o = {.data_dir = rn_data_dir(data),
                       .url = url,
                       .from = from,
                       .sha256 = sha256,
                       .again = again,
                       .retries = (int)retries,
                       .progress = show};
    for (int i = first; i < argc && status <= RN_EXIT_DONE && !rn_opt_should_stop(NULL); i++)
        status = fetch_one(cmd, argv[i], o);
    return status < 0 ? RN_EXIT_FAILURE : status;
}
