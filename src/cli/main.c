/* main.c: `ration COMMAND`: finds the command and runs it. */
#include "cli/commands.h"

#include "base/log.h"
#include "base/near.h"

#include <signal.h>

static const rn_command commands[] = {
#define X(name, args, summary) {#name, args, summary, rn_cmd_##name},
    RN_COMMANDS(X)
#undef X
        {NULL, NULL, NULL, NULL}};

const rn_command *rn_command_at(size_t i)
{
    return i < sizeof commands / sizeof commands[0] && commands[i].name ? &commands[i] : NULL;
}

const rn_command *rn_command_find(const char *name)
{
    for (const rn_command *c = commands; c->name; c++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}

static void print_usage(FILE *f)
{
    fputs("usage: ration COMMAND [options]\n\n"
          "Spends a code-generation budget where it buys the most passing programs.\n\ncommands:\n",
          f);
    for (const rn_command *c = commands; c->name; c++)
        fprintf(f, "  %-11s %s\n", c->name, c->summary);
    fputs("\n'ration COMMAND --help' shows the options of one; 'ration --version' the version.\n",
          f);
}

static void warn_on_stderr(void *user, const char *msg)
{
    (void)user;
    fprintf(stderr, "ration: warning: %s\n", msg);
}

/* A full disk or a closed pipe must not look like success. */
static int flush_stdout(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    fprintf(stderr, "ration: cannot write the results: %s\n", strerror(errno));
    return status == RN_EXIT_DONE ? RN_EXIT_FAILURE : status;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    rn_term_guard();
    rn_log_set(warn_on_stderr, NULL);
    if (argc < 2) {
        print_usage(stderr);
        return RN_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("ration %s\n", rn_version());
        return flush_stdout(RN_EXIT_DONE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return flush_stdout(RN_EXIT_DONE);
    }
    const rn_command *cmd = rn_command_find(argv[1]);
    if (!cmd) {
        fprintf(stderr, "ration: unknown command '%s'", argv[1]);
        rn_near near = {.typed = argv[1]};
        for (const rn_command *c = commands; c->name; c++)
            rn_near_try(&near, c->name);
        if (near.best) fprintf(stderr, "; did you mean '%s'?", near.best);
        fputs("; 'ration --help' lists them\n", stderr);
        return RN_EXIT_USAGE;
    }
    return flush_stdout(cmd->run(argc - 1, argv + 1));
}
