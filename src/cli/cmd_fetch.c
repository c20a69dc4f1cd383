/* cmd_fetch.c: `ration fetch SET...`: options and results of rn_stage_fetch (ration.h). */
#include "cli/commands.h"

static const char intro[] =
    "Downloads a public problem set once into the data folder, checks it by hash and by reading "
    "it,\n"
    "and puts it in place whole. A broken download continues where it stopped.";

static void print_sources(void)
{
    rn_public_set s;
    for (size_t i = 0; rn_public_set_at(i, &s) == 0; i++)
        printf("%-24s %7s  %-12.12s  %s\n", s.name, s.size, s.sha256 ? s.sha256 : "-", s.url);
}

static int fetch_one(const rn_command *cmd, const char *name, const rn_fetch_options *o)
{
    rn_err err = {0};
    rn_fetch_summary f;
    if (rn_fetch_options_check(name, o, &err)) return rn_opt_refused(cmd, &err);
    if (rn_stage_fetch(name, o, &f, &err)) return rn_opt_failure(cmd, &err);
    const char *how = f.already ? "already there" : f.resumed ? "download continued" : "new";
    printf("%s: %s, %zu %s of %s, in %s\n", f.name, how, f.n_problems,
           rn_plural((int64_t)f.n_problems, "problem", "problems"), f.set, f.path);
    printf("  sha256 %s%s\n", f.sha256,
           f.recorded ? " (no published hash is known: recorded now, later files must equal it)"
                      : "");
    if (f.later) printf("  later problems of the same set: ration fetch %s\n", f.later);
    return RN_EXIT_DONE;
}

int rn_cmd_fetch(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("fetch");
    rn_fetch_options o = {0};
    int list = 0;
    int64_t retries = 4;
    const rn_opt table[] = {
        RN_OPT_STR(0, "data", &o.data_dir, "DIR", "the data folder"),
        RN_OPT_STR(0, "from", &o.from, "FILE", "take this local copy instead of downloading"),
        RN_OPT_STR(0, "url", &o.url, "URL", "download from here instead of the set's public home"),
        RN_OPT_STR(0, "sha256", &o.sha256, "HEX", "the file must have this hash"),
        RN_OPT_FLAG(0, "again", &o.again, "replace a file that is there"),
        RN_OPT_INT(0, "retries", &retries, "N", "after lost connections (default 4)"),
        RN_OPT_FLAG(0, "list", &list,
                    "show the sets: size, published SHA-256 (-: recorded on first use), home"),
        RN_OPT_END};
    int first = 0;
    int status = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (status >= 0) return status;
    if (list) {
        print_sources();
        return RN_EXIT_DONE;
    }
    if (first == argc) return rn_opt_usage(cmd, "which set? 'ration fetch --list' shows them");
    if (argc - first > 1 && (o.from || o.url || o.sha256))
        return rn_opt_usage(cmd, "--from, --url and --sha256 are for one set at a time");
    if (retries < 0 || retries > 100)
        return rn_opt_usage(cmd, "--retries is between 0 and 100, not %lld", (long long)retries);
    o.retries = (int)retries;
    o.watch = rn_opt_watch(cmd, argc, argv);
    for (int i = first; i < argc && status <= RN_EXIT_DONE && !rn_opt_should_stop(NULL); i++)
        status = fetch_one(cmd, argv[i], &o);
    return status < 0 ? RN_EXIT_FAILURE : status;
}
