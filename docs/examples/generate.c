/* generate.c: eight samples of one prompt. cc generate.c $(pkg-config --cflags --libs libration) */
#include <ration.h>

#include <stdio.h>
#include <string.h>

static int show(void *user, const rn_generated *s)
{
    (void)user;
    printf("#%lld %s, %lld tokens, %.3f nats a token:\n%.*s\n", (long long)s->index, s->finish,
           (long long)s->gen_tok, -s->logprob / (double)s->gen_tok, (int)s->len, s->text);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) return fprintf(stderr, "usage: generate FILE.gguf PROMPT\n"), 2;
    rn_err err;
    rn_model *model;
    if (rn_model_open(argv[1], 0, 0, &model, &err)) return fprintf(stderr, "%s\n", err.msg), 1;
    rn_sampling sampling;
    rn_sampling_init(&sampling);
    sampling.max_tok = 64;
    const rn_generation g = {.prompt = {.text = argv[2], .len = strlen(argv[2])},
                             .sampling = &sampling,
                             .n = 8,
                             .fn = show};
    int rc = rn_generate(model, &g, &err);
    if (rc) fprintf(stderr, "%s\n", err.msg);
    rn_model_close(model);
    return rc ? 1 : 0;
}
