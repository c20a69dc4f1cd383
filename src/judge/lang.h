/*
 * lang.h: how programs in other languages than Python are compiled and run: one table.
 *
 * A source is one file that holds program and tests. It is compiled once under limits of its own,
 * then run: SCRIPT once, its exit status 0 is a pass; STDIO for each case. Where the text
 * RN_LANG_END stands in the tests, the judge puts a secret of this run, and a pass needs that in
 * the output, too: a program that leaves early with status 0 has not come to the end of its tests.
 */
#ifndef RN_JUDGE_LANG_H
#define RN_JUDGE_LANG_H

#include <stddef.h>

#define RN_LANG_END "@RATION-END@"

typedef struct rn_lang {
    const char *name;      /* "cpp" */
    const char *aliases;   /* other names, each between commas: ",c++,cxx," */
    const char *file;      /* the source's name in the working folder */
    const char *compile;   /* shell command there; NULL: none */
    const char *run;       /* shell command */
    const char *version;   /* shell command whose first line tells it; fails where it is missing */
    const char *package;   /* of Debian */
    const char *libraries; /* patterns of paths, spaces between them: what HumanEval-X's problems
                              use beyond the compiler; NULL: nothing */
    const char *exe;       /* what /proc/self/exe is to say, for tools that ask; NULL: no /proc */
    const char *prepare;   /* shell command run once a host: it fills a folder `cache`, which lies
                            beside every source from then on; NULL */
} rn_lang;

const rn_lang *rn_lang_at(size_t i); /* NULL behind the last */
/* The index of a language by name or alias, in any case; -1 if there is none. "python" is none. */
int rn_lang_find(const char *name);

#endif
