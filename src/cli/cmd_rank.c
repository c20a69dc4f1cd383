/* cmd_rank.c: `ration rank`: options and results of the stage in run/rank.h. */
#include "cli/commands.h"
#include "cli/server_opts.h"
#include "run/rank.h"

#include <stdio.h>

/* Rows for an option table; o is a rn_consensus_opts. */
#define RN_CONSENSUS_OPTIONS(o)                                                                   \
    RN_OPT_STR(0, "agree", &(o)->agree, "RULE", "consensus: mbr (default) or codet"),             \
        RN_OPT_INT(0, "inputs", &(o)->inputs, "N", "consensus: inputs a problem (default 32)"),   \
        RN_OPT_INT(0, "seed", &(o)->seed, "N", "consensus, examples: of the inputs (default 0)"), \
        RN_OPT_REAL(0, "cpu-limit", &(o)->cpu_s, "S",                                             \
                    "consensus, examples: CPU seconds of an input (default 0.1)"),                \
        RN_OPT_INT('j', "jobs", &(o)->jobs, "N",                                                  \
                   "consensus, examples: programs at a time (default: cores)"),                   \
        RN_OPT_FLAG(0, "allow-weak", &(o)->allow_weak,                                            \
                    "consensus, examples: run even without namespaces and seccomp")

static void report_server(rn_rank *k)
{
    if (!k->remote || rn_remote_ledger(k->remote)->n_requests == 0) return;
    rn_buf line = {0};
    rn_server_summary(rn_remote_ledger(k->remote), k->entry, &line);
    if (rn_buf_ok(&line)) printf("%s: %s\n", rn_remote_url(k->remote), line.data);
    rn_buf_free(&line);
    if (k->n_refused)
        fprintf(stderr, "ration rank: %lld texts got no score, e.g.: %s\n", (long long)k->n_refused,
                k->refusal);
    if (k->command_id) rn_rank_put_note(k, NULL);
}

/* What was scored and what was left out; the exit status. */
static int print_counts(const rn_rank *k)
{
    const rn_consensus_counts *c = &k->agreed;
    const rn_verify_counts *v = &k->verified;
    if (k->consensus) {
        printf(
            "%lld scored; left out: %lld at their token limit, %lld that the sandbox failed on\n",
            (long long)c->n_scored, (long long)c->n_cut, (long long)c->n_failed);
        printf(
            "%lld programs executed: %.1f CPU seconds, %.1f s of wall-time one after the other\n",
            (long long)c->n_runs, c->cpu_s, c->wall_s);
        if (c->n_examples)
            printf("%lld examples tell a value; %lld of them stand in no test\n",
                   (long long)c->n_examples, (long long)c->n_unseen);
        if (c->n_blind)
            printf("%lld of %lld problems show no example to make inputs from: all their samples "
                   "have the same score\n",
                   (long long)c->n_blind, (long long)c->n_problems);
        return c->n_failed ? RN_EXIT_MISSING : RN_EXIT_DONE;
    }
    if (k->verify) {
        printf("%lld scored; left out: %lld at their token limit, %lld without a likelihood under "
               "their generator, %lld too long for the context\n",
               (long long)v->n_scored, (long long)v->n_cut, (long long)v->n_unlikely,
               (long long)v->n_too_long);
        return v->n_unlikely || v->n_too_long ? RN_EXIT_MISSING : RN_EXIT_DONE;
    }
    printf("%lld scored; left out: %lld at their token limit, %lld without a token, %lld too long "
           "for the context\n",
           (long long)k->n_scored, (long long)k->n_cut, (long long)k->n_empty,
           (long long)k->n_too_long);
    return k->n_too_long + k->n_refused ? RN_EXIT_MISSING : RN_EXIT_DONE;
}

/* Checks the values without opening anything: -1 to go on, or the exit status after a message. */
static int check_options(const rn_command *cmd, rn_rank_opts *o)
{
    /* A model scores by likelihood; without one there is what the prompt shows. */
    if (!o->ranker) o->ranker = o->model.path ? "nll" : "examples";
    o->consensus.examples = strcmp(o->ranker, "examples") == 0;
    bool consensus = o->consensus.examples || strcmp(o->ranker, "consensus") == 0;
    if (strcmp(o->ranker, "nll") != 0 && strcmp(o->ranker, "verifier") != 0 && !consensus)
        return rn_opt_usage(cmd, "no ranker '%s'; there is examples, nll, verifier and consensus",
                            o->ranker);
    if (!o->store) return rn_opt_usage(cmd, "give a store with -s FILE");
    if (o->source.extractor && !rn_extractor_find(o->source.extractor))
        return rn_opt_usage(cmd, "unknown extractor '%s'; 'man ration-judge' lists them",
                            o->source.extractor);
    if (!consensus && o->model.path && rn_remote_is_url(o->model.path) &&
        strcmp(o->ranker, "verifier") == 0)
        return rn_opt_usage(cmd,
                            "the verifier needs a model file: servers score texts, not answers");
    if (!consensus) return rn_server_opts_check(cmd, &o->server, &o->model);
    if (o->model.path) return rn_opt_usage(cmd, "%s executes programs: it has no model", o->ranker);
    o->consensus.extractor = o->source.extractor;
    const char *wrong = rn_consensus_check(&o->consensus);
    return wrong ? rn_opt_usage(cmd, "%s", wrong) : -1;
}

int rn_cmd_rank(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("rank");
    rn_rank_opts o = {.server = RN_SERVER_OPTS_NONE};
    const rn_opt table[] = {
        RN_OPT_STR(
            0, "ranker", &o.ranker, "RANKER",
            "examples: those of the prompt that pass, then agreement (default without -m); nll: "
            "mean negative log likelihood (default with -m); verifier: a model's yes or no; "
            "consensus: programs that agree"),
        RN_OPT_STR(0, "by", &o.ranker, "RANKER", "the same as --ranker"),
        RN_ANY_MODEL_OPTIONS(&o.model, &o.server),
        RN_OPT_STR('s', "store", &o.store, "FILE", "the experiment file"),
        RN_OPT_INT(0, "run", &o.run, "ID", "only this run"),
        RN_OPT_STR(0, "of", &o.of, "MODEL", "only runs of this model"),
        RN_OPT_STR('t', "set", &o.source.set, "SET",
                   "where the runs' problem set lies; default: its name"),
        RN_OPT_STR(0, "preset", &o.source.preset, "NAME", "prompt preset; default: the run's"),
        RN_OPT_STR(0, "name", &o.name, "NAME", "the ranking model's name; default: the file's"),
        RN_OPT_STR(0, "data", &o.source.data, "DIR", "where problem sets lie"),
        RN_OPT_STR(0, "extractor", &o.source.extractor, "NAME",
                   "verifier, consensus: how the program is taken from the text (default: the "
                   "run's own)"),
        RN_OPT_STR(0, "verifier", &o.verifier, "NAME|FILE",
                   "verifier: the question (default: function)"),
        RN_CONSENSUS_OPTIONS(&o.consensus),
        RN_OPT_END};
    int first, rc = rn_opt_parse(cmd,
                                 "Scores the samples of a store. What has a score is kept; "
                                 "after an interruption run the same command again.",
                                 table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    if ((rc = check_options(cmd, &o)) >= 0) return rc;

    rn_err err = {0};
    rn_rank k = {.o = &o, .err = &err};
    rn_opt_catch_signals();
    rc = rn_rank_prepare(&k, &err);
    if (!rc) rc = rn_store_log_begin(k.store, cmd->name, argc, argv, &k.command_id, &err);
    if (!rc) rc = rn_rank_score_all(&k, &err);
    int status = RN_EXIT_DONE;
    if (rc == RN_ECANCELLED) {
        fprintf(stderr, "ration rank: stopped; the same command continues\n");
        status = RN_EXIT_MISSING;
    } else if (rc) {
        status = rn_opt_failure(cmd, &err);
    } else {
        status = print_counts(&k);
    }
    report_server(&k);
    if (k.command_id) rn_store_log_end(k.store, k.command_id, status, NULL);
    rn_rank_free(&k);
    return status;
}
