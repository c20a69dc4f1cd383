/* near.c: see near.h. */
#include "base/near.h"

enum { MOST = 48, LEAST_PREFIX = 4 };

int rn_near_distance(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    int d[3][MOST + 1]; /* the last rows of the table over prefixes of a (rows) and b */
    if (n > MOST || m > MOST) return MOST;
    for (size_t j = 0; j <= m; j++)
        d[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        const int *two = d[(i + 1) % 3], *one = d[(i + 2) % 3];
        int *row = d[i % 3];
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int best = one[j - 1] + (a[i - 1] != b[j - 1]);
            if (one[j] + 1 < best) best = one[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two[j - 2] + 1 < best)
                best = two[j - 2] + 1;
            row[j] = best;
        }
    }
    return d[n % 3][m];
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c < 0;
}

/* Letters and digits, the letters small. */
static void bare(const char *text, char out[MOST + 2])
{
    size_t n = 0;
    for (; *text && n < MOST + 1; text++)
        if (is_word(*text)) out[n++] = *text >= 'A' && *text <= 'Z' ? (char)(*text + 32) : *text;
    out[n] = '\0';
}

/* At most a third of the letters differ, or one is the other's beginning; MOST: it is not meant. */
static int cost_of(const char *typed, const char *name)
{
    char a[MOST + 2], b[MOST + 2];
    bare(typed, a);
    bare(name, b);
    const size_t n = strlen(a), m = strlen(b), both = n < m ? n : m;
    if (n > MOST || m > MOST || n == 0) return MOST;
    const int d = rn_near_distance(a, b);
    if (3 * d <= (int)m + 1) return d;
    return both >= LEAST_PREFIX && strncmp(a, b, both) == 0 ? (int)(n + m - both - both) : MOST;
}

void rn_near_try(rn_near *n, const char *name)
{
    const int cost = cost_of(n->typed, name);
    if (cost >= MOST || (n->best && cost >= n->cost)) return;
    n->best = name;
    n->cost = cost;
}

const char *rn_near_hint(const char *typed, const char *names, char room[RN_NEAR_HINT])
{
    char one[MOST + 2], best[MOST + 2] = "";
    rn_near n = {.typed = typed};
    for (const char *p = names; p && *p;) {
        const size_t len = strcspn(p, ", ");
        const char *had = n.best;
        snprintf(one, sizeof one, "%.*s", (int)len, p);
        rn_near_try(&n, one);
        if (n.best == one) memcpy(best, one, sizeof best);
        n.best = *best ? best : had;
        p += len + strspn(p + len, ", ");
    }
    room[0] = '\0';
    if (*best && strcmp(best, typed) != 0)
        snprintf(room, RN_NEAR_HINT, " (did you mean '%s'?)", best);
    return room;
}

int rn_near_fail(rn_err *err, int code, const char *what, const char *typed, const char *join,
                 rn_buf *known)
{
    char hint[RN_NEAR_HINT];
    const char *names = rn_buf_ok(known) && known->len ? known->data : "none";
    int rc = rn_fail(err, code, "%s '%s'%s%s%s", what, typed, rn_near_hint(typed, names, hint),
                     join, names);
    rn_buf_free(known);
    return rc;
}
