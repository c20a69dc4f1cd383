/* commands.h: one entry per command, each in its own cmd_*.c. */
#ifndef RN_CLI_COMMANDS_H
#define RN_CLI_COMMANDS_H

#include "cli/opt.h"

/* name, arguments, summary: the order is that of `ration --help`. */
#define RN_COMMANDS(X)                                                                             \
    X(demo, "[options]", "the whole way on the bundled models and problems")                       \
    X(fetch, "[options] SET...", "downloads a public problem set")                                 \
    X(generate, "-m FILE.gguf|URL#NAME -t SET -s STORE [options]",                                 \
      "samples of a model into the store")                                                         \
    X(import, "[options] -s FILE -t SET --model NAME FILE...", "samples of others into the store") \
    X(export, "[options] -s FILE --format FORM", "runs in the forms of others, or flat rows")      \
    X(merge, "-s FILE [FILE...]", "shards of an experiment into one file")                         \
    X(judge, "[options] -s FILE", "runs the tests of samples that have no verdict yet")            \
    X(rank, "[-m FILE.gguf|URL#NAME] -s STORE [options]",                                          \
      "scores of samples, to choose without tests")                                                \
    X(batch, "-s FILE [options] -- generate|judge|rank ...",                                       \
      "a stage's missing work as tasks of a cluster (Slurm)")                                      \
    X(profile, "-m FILE.gguf|URL#NAME [options]",                                                  \
      "what a sample of a model costs on this machine")                                            \
    X(report, "[options]", "curves, budgets and who leads, as table, CSV or JSON")                 \
    X(plan, "-s FILE [options]", "the best way to spend a budget; policies over recorded samples") \
    X(bench, "engine [options]", "measured speed of the sampling engine")                          \
    X(solve, "-m MODEL... --budget AMOUNT [options] [PROBLEM]",                                    \
      "a passing program, as cheaply as can be")                                                   \
    X(inspect, "[options] FILE.gguf", "what a model file holds; token ids and logits")             \
    X(doctor, "[options]", "what sandbox, data and CPU features this machine has")                 \
    X(completion, "bash|zsh", "a script that completes these commands in a shell")

#define X(name, args, summary) int rn_cmd_##name(int argc, char **argv);
RN_COMMANDS(X)
#undef X

/* The i-th entry of the table; NULL past the end. */
const rn_command *rn_command_at(size_t i);
/* The table's entry, for a command's own help and messages. NULL if there is none. */
const rn_command *rn_command_find(const char *name);

#endif
