/*
 * pyselect.c: selection is reachability from the wanted names over the blocks of pyscope.h.
 *
 * A kept block wants the names that it reads: at once those bound before it, within functions all
 * bindings. Of several definitions of a name the last whole one counts: stubs, overloads and cut
 * ones are no definition where there is another. A statement that may change something kept
 * (memo[0] = 1, table.append(x), init() where init changes it, random.seed(0)) is kept too; prints,
 * assertions, what reads input, main guards and calls of the answer's own examples are not.
 */
#include "task/pyselect.h"

#include "task/pyscope.h"

enum { P_MAIN, P_OTHER };
enum { MAX_DEFS = 64 }; /* of one name, among which the last before a use is sought */

/* All references to one name. */
typedef struct group {
    size_t first, n;         /* in selection.order */
    size_t n_defs;           /* definitions among them */
    size_t n_now;            /* its bindings before this block are kept already */
    size_t n_changed;        /* behind the last block whose statement at the margin changes it */
    bool in_main, in_others; /* something binds it there */
    bool all_done, is_kept, is_module_done, is_imported_kept, modifies, gives, defined_by_prompt;
} group;

typedef struct selection {
    rn_pymodule m;
    RN_VEC(size_t) order;      /* refs by name, then block */
    RN_VEC(uint32_t) group_of; /* [refs] */
    RN_VEC(group) groups;
    RN_VEC(bool) keep;       /* [blocks] */
    RN_VEC(size_t) work;     /* kept blocks that are not followed yet */
    RN_VEC(size_t) modified; /* groups of functions that change what is kept, not followed yet */
    rn_bytes head, entry;    /* DEFS: the prompt and the function that it asks for */
    bool unbound;            /* a name that is bound nowhere is wanted */
    bool prose;              /* there are lines that are no code */
    bool all_kept[2];        /* all definitions of a part are kept */
    bool star;               /* a star import: any name may be bound */
} selection;

static const rn_pyref *ref_at(const selection *s, const group *g, size_t i)
{
    return &s->m.refs.data[s->order.data[g->first + i]];
}

static rn_pyblock *block_at(selection *s, size_t i)
{
    return &s->m.blocks.data[i];
}

/* ---- names by group -------------------------------------------------------------------------- */

static _Thread_local const rn_pyref *sorted_refs; /* qsort has no argument for it */

static int by_name_and_block(const void *a, const void *b)
{
    const rn_pyref *x = &sorted_refs[*(const size_t *)a], *y = &sorted_refs[*(const size_t *)b];
    size_t n = x->name.len < y->name.len ? x->name.len : y->name.len;
    int c = n ? memcmp(x->name.data, y->name.data, n) : 0;
    if (c) return c;
    if (x->name.len != y->name.len) return x->name.len < y->name.len ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

static bool group_names(selection *s)
{
    size_t n = s->m.refs.n;
    if (!rn_vec_room(&s->order, n) || !rn_vec_room(&s->group_of, n) ||
        !rn_vec_room(&s->keep, s->m.blocks.n))
        return false;
    for (size_t i = 0; i < n; i++) {
        rn_vec_push(&s->order, i);
        rn_vec_push(&s->group_of, 0);
    }
    for (size_t i = 0; i < s->m.blocks.n; i++)
        rn_vec_push(&s->keep, false);
    sorted_refs = s->m.refs.data;
    if (n) qsort(s->order.data, n, sizeof *s->order.data, by_name_and_block);
    for (size_t i = 0; i < n; i++) {
        const rn_pyref *r = &s->m.refs.data[s->order.data[i]];
        bool fresh = i == 0 || !rn_bytes_equal(s->m.refs.data[s->order.data[i - 1]].name, r->name);
        if (fresh) rn_vec_push(&s->groups, ((group){.first = i}));
        if (!rn_vec_ok(&s->groups)) return false;
        group *g = &s->groups.data[s->groups.n - 1];
        g->n++;
        bool binds = (r->what & RN_PYREF_BIND) && !(r->what & RN_PYREF_LATER);
        unsigned now = r->what & (RN_PYREF_CHANGE | RN_PYREF_HEAD | RN_PYREF_LATER);
        if (now == (RN_PYREF_CHANGE | RN_PYREF_HEAD)) g->n_changed = r->block + 1;
        const rn_pyblock *b = block_at(s, r->block);
        if ((r->what & RN_PYREF_BIND) && b->code.len) {
            g->in_main |= b->part == P_MAIN;
            g->in_others |= b->part == P_OTHER;
        }
        g->n_defs += binds && rn_bytes_equal(b->def, r->name);
        g->defined_by_prompt |= binds && b->known && rn_bytes_equal(b->def, r->name);
        s->group_of.data[s->order.data[i]] = (uint32_t)(s->groups.n - 1);
    }
    return true;
}

static group *find_group(selection *s, rn_bytes name)
{
    size_t lo = 0, hi = s->groups.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        rn_bytes w = ref_at(s, &s->groups.data[mid], 0)->name;
        size_t n = w.len < name.len ? w.len : name.len;
        int c = n ? memcmp(w.data, name.data, n) : 0;
        if (c < 0 || (c == 0 && w.len < name.len))
            lo = mid + 1;
        else
            hi = mid;
    }
    bool found = lo < s->groups.n && rn_bytes_equal(ref_at(s, &s->groups.data[lo], 0)->name, name);
    return found ? &s->groups.data[lo] : NULL;
}

/* ---- keeping blocks -------------------------------------------------------------------------- */

static void keep(selection *s, size_t block)
{
    if (s->keep.data[block] || block_at(s, block)->code.len == 0) return;
    s->keep.data[block] = true;
    rn_vec_push(&s->work, block);
}

/* Whether this reference binds the name when its block runs. */
static bool binds_now(const rn_pyref *r)
{
    return (r->what & RN_PYREF_BIND) && !(r->what & (RN_PYREF_LATER | RN_PYREF_MODULE));
}

static bool defines(const selection *s, const rn_pyref *r)
{
    return rn_bytes_equal(s->m.blocks.data[r->block].def, r->name);
}

/* 4 whole, 3 at the end of code that ends within a line (a chat answer ends so too), 2 a stub, 1
 * cut or broken, 0 nothing of it is there. */
static int quality(const selection *s, const rn_pyblock *b)
{
    if (b->code.len == 0) return 0;
    if (b->open || b->prose) return 1;
    if (b->stub) return 2;
    return b->cut && !s->prose ? 3 : 4;
}

/* The definition that counts among those before block `end` and of this part. */
static size_t best_definition(selection *s, const group *g, size_t end, uint8_t part)
{
    size_t best = SIZE_MAX;
    int best_quality = 0;
    for (size_t i = 0; i < g->n; i++) {
        const rn_pyref *r = ref_at(s, g, i);
        if (r->block >= end || !binds_now(r) || !defines(s, r)) continue;
        const rn_pyblock *b = block_at(s, r->block);
        if (b->part != part || b->known) continue;
        int q = quality(s, b);
        if (q == 0 || q < best_quality) continue;
        best = r->block;
        best_quality = q;
    }
    return best;
}

static bool bound_in(const group *g, uint8_t part)
{
    return part == P_MAIN ? g->in_main : g->in_others;
}

/* Whether the prompt before a whole program defines the name, and does not ask for it. */
static bool is_given_by_prompt(const selection *s, rn_bytes name)
{
    rn_bytes head = s->head;
    if (rn_bytes_equal(name, s->entry)) return false;
    for (size_t at = 0; (at = rn_bytes_find(head, name, at)) != SIZE_MAX; at++) {
        bool def = at >= 4 && memcmp(head.data + at - 4, "def ", 4) == 0;
        bool margin = at == 4 || (at > 4 && head.data[at - 5] == '\n');
        size_t next = at + name.len;
        if (def && margin && next < head.len && head.data[next] == '(') return true;
    }
    return false;
}

/* Keeps what binds the name in one part, before block `end`. True if there is something. */
static bool keep_bindings(selection *s, group *g, size_t end, uint8_t part)
{
    bool any = false;
    size_t definition = g->defined_by_prompt ? SIZE_MAX : best_definition(s, g, end, part);
    bool stub = definition != SIZE_MAX && block_at(s, definition)->stub;
    if (stub && is_given_by_prompt(s, ref_at(s, g, 0)->name)) return true;
    if (definition != SIZE_MAX) {
        keep(s, definition);
        any = true;
    }
    for (size_t i = 0; i < g->n; i++) {
        const rn_pyref *r = ref_at(s, g, i);
        const rn_pyblock *b = block_at(s, r->block);
        if (r->block >= end || !binds_now(r) || b->part != part || defines(s, r)) continue;
        if (b->prose || b->hollow || b->guard) continue;
        if (b->imports && definition < r->block) continue; /* from solution import f, for a test */
        if (part == P_OTHER && !b->imports && rn_py_is_builtin(r->name)) continue;
        any = true;
        if (!b->known) keep(s, r->block);
    }
    return any || (g->defined_by_prompt && part == P_MAIN);
}

/* Whether every name that the block reads when it runs is bound by something that reads no input.
 */
static bool can_run(selection *s, size_t block)
{
    const rn_pyblock *b = block_at(s, block);
    for (size_t k = b->ref; k < b->ref + b->n_refs; k++) {
        const rn_pyref *r = &s->m.refs.data[k];
        const group *g = &s->groups.data[s->group_of.data[k]];
        if (r->what & (RN_PYREF_BIND | RN_PYREF_LATER | RN_PYREF_MODULE)) continue;
        if (rn_py_is_builtin(r->name) || s->star) continue;
        bool bound = false;
        for (size_t i = 0; i < g->n && !bound; i++) {
            const rn_pyref *d = ref_at(s, g, i);
            const rn_pyblock *from = block_at(s, d->block);
            bound = (d->what & RN_PYREF_BIND) && from->code.len && (from->imports || !from->reads);
        }
        if (!bound) return false;
    }
    return true;
}

/* Whether a statement of another block needs this one's names, which come behind it: what is shown
 * of the program, "fib(5) == 5" under "Output:". */
static bool comes_too_early(selection *s, size_t block)
{
    const rn_pyblock *b = block_at(s, block);
    for (size_t k = b->ref; b->part == P_OTHER && k < b->ref + b->n_refs; k++) {
        const group *g = &s->groups.data[s->group_of.data[k]];
        unsigned what = s->m.refs.data[k].what;
        if (what & (RN_PYREF_BIND | RN_PYREF_LATER | RN_PYREF_MODULE)) continue;
        if (g->in_main && !g->in_others) return true;
    }
    return false;
}

/* A statement whose running may matter to what is kept. */
static void keep_effect(selection *s, size_t block)
{
    const rn_pyblock *b = block_at(s, block);
    if (b->known || b->guard || b->reads || b->prose || b->imports || b->redirects) return;
    if (comes_too_early(s, block)) return;
    if (!s->keep.data[block] && can_run(s, block)) keep(s, block);
}

static void modifies(selection *s, group *f)
{
    if (!f || f->modifies) return;
    f->modifies = true;
    rn_vec_push(&s->modified, (size_t)(f - s->groups.data));
}

/* What is called in this block's stead changes something kept: the function or class that it is, or
 * the names that it binds to lambdas. Behind a decorator it may be called at once. */
static void block_modifies(selection *s, size_t block)
{
    const rn_pyblock b = *block_at(s, block);
    if (b.reads || b.known) return;
    if (b.def.len) {
        modifies(s, find_group(s, b.def));
        if (b.decorated && !rn_py_is_demonstration(b.def)) keep_effect(s, block);
        return;
    }
    for (size_t k = b.ref; k < b.ref + b.n_refs; k++)
        if (binds_now(&s->m.refs.data[k])) modifies(s, &s->groups.data[s->group_of.data[k]]);
}

/* Functions that bind the name by `global`, or change what it names, when they are called. */
static void mark_modifiers(selection *s, group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        const rn_pyref *r = ref_at(s, g, i);
        if (!(r->what & RN_PYREF_LATER) || !(r->what & (RN_PYREF_CHANGE | RN_PYREF_BIND))) continue;
        if (!(r->what & RN_PYREF_SHOWN)) block_modifies(s, r->block);
    }
}

/* Whether a statement further down changes what the block binds: `ctx = getcontext()` and then
 * `ctx.prec = 9`. */
static bool is_set_later(selection *s, size_t block)
{
    const rn_pyblock *b = block_at(s, block);
    for (size_t k = b->ref; k < b->ref + b->n_refs; k++)
        if (binds_now(&s->m.refs.data[k]) &&
            s->groups.data[s->group_of.data[k]].n_changed > block + 1)
            return true;
    return false;
}

/* What the caller of this function or lambda is given is something kept: `table()[0] = 1` and
 * `t = table()` with `t[0] = 1` change it. */
static void block_gives(selection *s, size_t block)
{
    const rn_pyblock b = *block_at(s, block);
    for (size_t k = b.ref; k < b.ref + b.n_refs; k++) {
        if (!binds_now(&s->m.refs.data[k]) || b.known) continue;
        group *g = &s->groups.data[s->group_of.data[k]];
        const size_t n = g->gives ? 0 : g->n;
        g->gives = true;
        for (size_t i = 0; i < n; i++) {
            const rn_pyref *r = ref_at(s, g, i);
            if (r->what & (RN_PYREF_BIND | RN_PYREF_LATER | RN_PYREF_MODULE | RN_PYREF_SHOWN))
                continue;
            bool changes = (r->what & RN_PYREF_CHANGE) && (r->what & RN_PYREF_HEAD);
            bool named = (r->what & RN_PYREF_CALL) && is_set_later(s, r->block);
            if (changes || named) keep_effect(s, r->block);
        }
    }
}

/* Functions that give what the name names to whoever calls them. */
static void mark_givers(selection *s, const group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        const rn_pyref *r = ref_at(s, g, i);
        if ((r->what & RN_PYREF_LATER) && (r->what & RN_PYREF_GIVEN)) block_gives(s, r->block);
    }
}

/* Whether running the block of this use of a kept name may matter. */
static bool is_effect(selection *s, const group *g, const rn_pyref *r, bool imported)
{
    unsigned what = r->what;
    const rn_pyblock *b = block_at(s, r->block);
    if (what & (RN_PYREF_MODULE | RN_PYREF_BIND)) return false;
    if ((what & RN_PYREF_LATER) && b->def.len) return false; /* see mark_modifiers */
    if ((what & RN_PYREF_LATER) && imported) return false;
    bool function = g->n_defs > 0;
    if (what & RN_PYREF_BASE) return function && !rn_py_is_demonstration(b->def);
    if ((what & RN_PYREF_SHOWN) && function) return false;
    if (!imported) return (what & RN_PYREF_CHANGE) != 0;
    if (!(what & (RN_PYREF_CHANGE | RN_PYREF_CALL))) return false;
    return (what & RN_PYREF_HEAD) || is_set_later(s, r->block);
}

/* The name is bound by something kept: statements that change what it names count. */
static void on_kept(selection *s, group *g, bool imported)
{
    if (g->is_kept || (imported && g->is_imported_kept)) return;
    if (imported)
        g->is_imported_kept = true;
    else
        g->is_kept = true;
    for (size_t i = 0; i < g->n; i++) {
        const rn_pyref *r = ref_at(s, g, i);
        if (is_effect(s, g, r, imported)) keep_effect(s, r->block);
    }
    if (imported) return;
    mark_modifiers(s, g);
    mark_givers(s, g);
}

/* `from decimal import getcontext` beside a kept `from decimal import Decimal`: one module, so
 * `getcontext().prec = 50` matters. */
static void on_kept_module(selection *s, group *module)
{
    if (module->is_module_done) return;
    module->is_module_done = true;
    for (size_t i = 0; i < module->n; i++) {
        const rn_pyref *r = ref_at(s, module, i);
        if (!(r->what & RN_PYREF_MODULE)) continue;
        const rn_pyblock *b = block_at(s, r->block);
        for (size_t k = b->ref; k < b->ref + b->n_refs; k++)
            if (binds_now(&s->m.refs.data[k]))
                on_kept(s, &s->groups.data[s->group_of.data[k]], true);
    }
}

/* Calls of a function that changes what is kept, subclasses of such a class, and what it is given
 * to: Thread(target=build). */
static void follow_modifier(selection *s, group *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const rn_pyref *r = ref_at(s, f, i);
        unsigned what = r->what;
        if (what & (RN_PYREF_BIND | RN_PYREF_MODULE)) continue;
        if (!(what & (RN_PYREF_CALL | RN_PYREF_CHANGE | RN_PYREF_BASE))) continue;
        bool shown = (what & RN_PYREF_SHOWN) != 0, called = (what & RN_PYREF_CALL) != 0;
        bool later = (what & RN_PYREF_LATER) != 0;
        if (shown && (later || !called)) continue;
        if (!later || block_at(s, r->block)->def.len == 0) keep_effect(s, r->block);
        if (later) block_modifies(s, r->block);
    }
}

/* Wants a name: at block `at`, when it runs; SIZE_MAX: whenever. True if it is bound. */
static bool want(selection *s, group *g, size_t at)
{
    uint8_t part = bound_in(g, P_MAIN) ? P_MAIN : P_OTHER;
    bool now = at != SIZE_MAX && block_at(s, at)->part == part;
    if (now && g->n_defs > 1 && g->n_defs < MAX_DEFS) { /* old = f, between two definitions of f */
        size_t definition = best_definition(s, g, at, part);
        if (definition != SIZE_MAX) keep(s, definition);
    }
    if (g->all_done) return g->in_main || g->in_others;
    if (now) {
        if (at <= g->n_now) return true;
        bool any = keep_bindings(s, g, at, part);
        g->n_now = at;
        if (any) return true;
    }
    bool any = keep_bindings(s, g, SIZE_MAX, part);
    g->all_done = true;
    if (!any && !rn_py_is_builtin(ref_at(s, g, 0)->name)) s->unbound = true;
    for (size_t i = 0; i < g->n; i++) /* set by a function that declares it global */
        if (ref_at(s, g, i)->what == (RN_PYREF_BIND | RN_PYREF_LATER)) mark_modifiers(s, g);
    return any;
}

/* Any function may be the one whose name a kept one computes, but for examples and tests. */
static void keep_all_definitions(selection *s, uint8_t part)
{
    s->all_kept[part] = true;
    for (size_t i = 0; i < s->m.blocks.n; i++) {
        const rn_pyblock *b = block_at(s, i);
        if (b->part != part || !b->def.len || b->known || rn_py_is_demonstration(b->def)) continue;
        if (quality(s, b) < 3) continue;
        group *g = find_group(s, b->def);
        if (g && best_definition(s, g, SIZE_MAX, part) == i) keep(s, i);
    }
}

static void follow_block(selection *s, size_t block)
{
    const rn_pyblock b = *block_at(s, block);
    if (b.looks_up && !s->all_kept[b.part]) keep_all_definitions(s, b.part);
    for (size_t k = b.ref; k < b.ref + b.n_refs; k++) {
        const rn_pyref r = s->m.refs.data[k];
        group *g = &s->groups.data[s->group_of.data[k]];
        if (r.what & RN_PYREF_MODULE)
            on_kept_module(s, g);
        else if (r.what & RN_PYREF_BIND)
            on_kept(s, g, b.imports);
        else
            (void)want(s, g, r.what & RN_PYREF_LATER ? SIZE_MAX : block);
    }
}

static void follow(selection *s)
{
    while (s->work.n || s->modified.n) {
        if (s->work.n)
            follow_block(s, s->work.data[--s->work.n]);
        else
            follow_modifier(s, &s->groups.data[s->modified.data[--s->modified.n]]);
    }
}

/* ---- what is kept without being asked for ---------------------------------------------------- */

/* `limit(9999)` behind `from sys import setrecursionlimit as limit`. */
static bool calls_setter(selection *s, const rn_pyblock *b)
{
    for (size_t k = b->ref; k < b->ref + b->n_refs; k++) {
        unsigned what = s->m.refs.data[k].what;
        if ((what | RN_PYREF_CHANGE) != (RN_PYREF_CHANGE | RN_PYREF_HEAD | RN_PYREF_CALL)) continue;
        const group *g = &s->groups.data[s->group_of.data[k]];
        for (size_t i = 0; i < g->n; i++)
            if (binds_now(ref_at(s, g, i)) && block_at(s, ref_at(s, g, i)->block)->sets)
                return true;
    }
    return false;
}

/* Star imports belong to whole programs; below a body only where a name may come from them. */
static void keep_always(selection *s, bool stars)
{
    for (size_t i = 0; i < s->m.blocks.n; i++) {
        const rn_pyblock *b = block_at(s, i);
        if (b->part != P_MAIN || b->known || b->guard) continue;
        bool set = b->always || calls_setter(s, b);
        if ((stars && (b->star || b->future)) || (set && can_run(s, i))) keep(s, i);
    }
    follow(s);
    for (size_t i = 0; i < s->m.blocks.n && s->unbound; i++)
        if (block_at(s, i)->star_known && !block_at(s, i)->known) keep(s, i);
    follow(s);
}

/* ---- output ---------------------------------------------------------------------------------- */

static void put_block(rn_buf *out, const rn_pyblock *b, bool first)
{
    if (!first && b->def.len) rn_buf_puts(out, "\n\n");
    rn_buf_add(out, b->code.data, b->code.len);
    if (b->code.data[b->code.len - 1] != '\n') rn_buf_putc(out, '\n');
}

/* Kept blocks of a part, those of __future__ alone or without them. */
static void put_part(selection *s, uint8_t part, bool future, bool *first, rn_buf *out,
                     rn_selected *what)
{
    for (size_t i = 0; i < s->m.blocks.n; i++) {
        const rn_pyblock *b = block_at(s, i);
        if (!s->keep.data[i] || b->part != part || b->future != future) continue;
        put_block(out, b, *first);
        *first = false;
        what->open |= b->open;
        what->reads |= b->reads;
        what->writes |= b->writes;
    }
}

static void put_kept(selection *s, bool first, rn_buf *out, rn_selected *what)
{
    put_part(s, P_OTHER, true, &first, out, what);
    put_part(s, P_MAIN, true, &first, out, what);
    put_part(s, P_OTHER, false, &first, out, what);
    put_part(s, P_MAIN, false, &first, out, what);
}

/* ---- the three modes ------------------------------------------------------------------------- */

static void select_body(selection *s, const rn_select_in *in, rn_bytes text, rn_buf *out,
                        rn_selected *what)
{
    what->open = s->m.body_open;
    if (s->m.body_end == 0) return;
    size_t n = in->known.len;
    rn_bytes body = {.data = text.data + n, .len = s->m.body_end - n};
    what->found = what->complete = true;
    for (size_t i = 0; i < s->m.blocks.n; i++) {
        const rn_pyblock *b = block_at(s, i);
        if (!b->known || b->part != P_MAIN) continue;
        s->keep.data[i] = true; /* it is there already */
        bool last = b->code.data + b->code.len > text.data + n;
        if (last) follow_block(s, i);
        if (last) what->complete = !b->stub;
    }
    follow(s);
    keep_always(s, false);
    for (size_t i = 0; i < s->m.blocks.n; i++)
        if (block_at(s, i)->known) s->keep.data[i] = false;
    rn_buf_add(out, body.data, body.len);
    if (body.data[body.len - 1] != '\n') rn_buf_putc(out, '\n');
    rn_selected below = {0};
    put_kept(s, false, out, &below);
}

/* globals()['f'] = g, exec('def f...'), setattr(sys.modules[...], 'f', g). */
static bool bound_by_name(selection *s, const group *g)
{
    bool any = false;
    for (size_t i = 0; i < g->n; i++) {
        const rn_pyref *r = ref_at(s, g, i);
        const rn_pyblock *b = block_at(s, r->block);
        if (!b->always || b->part != P_MAIN || !(r->what & RN_PYREF_LATER)) continue;
        any = true;
        keep(s, r->block);
    }
    return any;
}

/* What the tests use beside the entry may be in another block: a class of their arguments. */
static void want_from_others(selection *s, rn_bytes roots)
{
    rn_pylex x;
    rn_pylex_init(&x, roots);
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
        group *g = t.kind == RN_PY_NAME ? find_group(s, rn_pytok_text(&x, t)) : NULL;
        if (g && g->n_defs && !bound_in(g, P_MAIN)) (void)want(s, g, SIZE_MAX);
    }
}

static void select_defs(selection *s, const rn_select_in *in, rn_buf *out, rn_selected *what)
{
    rn_pylex x;
    rn_pylex_init(&x, in->roots);
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
        if (t.kind != RN_PY_NAME) continue;
        group *g = find_group(s, rn_pytok_text(&x, t));
        if (!g) continue;
        bool decides = in->entry.len == 0 || rn_bytes_equal(ref_at(s, g, 0)->name, in->entry) ||
                       rn_bytes_equal(ref_at(s, g, 0)->name, rn_bytes_of("Solution"));
        if (!bound_in(g, P_MAIN)) {
            if (decides && bound_by_name(s, g)) what->found = what->complete = true;
            continue;
        }
        (void)want(s, g, SIZE_MAX);
        for (size_t i = 0; i < g->n; i++) {
            const rn_pyref *r = ref_at(s, g, i);
            const rn_pyblock *b = block_at(s, r->block);
            if (!binds_now(r) || !s->keep.data[r->block] || b->imports) continue;
            if (decides && b->literal) continue;
            what->found = true;
            what->complete |= decides && (!defines(s, r) || quality(s, b) >= 3);
            what->cut |= decides && defines(s, r) && b->cut && !b->ends;
        }
    }
    if (!what->found) return;
    want_from_others(s, in->roots);
    follow(s);
    keep_always(s, true);
    put_kept(s, true, out, what);
}

static bool ends_script(const rn_pyblock *b)
{
    return (b->prose && b->def.len == 0) || b->hollow;
}

static void select_script(selection *s, rn_buf *out, rn_selected *what)
{
    size_t n = 0;
    while (n < s->m.blocks.n && block_at(s, n)->part == P_MAIN)
        n++;
    size_t first = 0;
    while (first < n && (ends_script(block_at(s, first)) || block_at(s, first)->lone ||
                         block_at(s, first)->code.len == 0))
        first++;
    if (first == n) return;
    size_t last = first;
    while (last + 1 < n && !ends_script(block_at(s, last + 1)))
        last++;
    while (block_at(s, last)->lone) /* the heading of what follows */
        last--;
    for (size_t i = first; i <= last; i++)
        keep(s, i);
    follow(s);
    const rn_pyblock *a = block_at(s, first), *z = block_at(s, last);
    for (size_t i = first; i <= last; i++) {
        what->reads |= block_at(s, i)->reads;
        what->writes |= block_at(s, i)->writes;
        s->keep.data[i] = false;
    }
    bool none = true;
    rn_selected ignored = {0};
    put_part(s, P_OTHER, true, &none, out, &ignored);
    put_part(s, P_OTHER, false, &none, out, &ignored);
    /* Comments between the blocks belong to a script. */
    rn_bytes code = {.data = a->code.data,
                     .len = (size_t)(z->code.data + z->code.len - a->code.data)};
    what->found = true;
    what->open = z->open;
    what->complete = !z->open;
    rn_buf_add(out, code.data, code.len);
    if (code.len && code.data[code.len - 1] != '\n') rn_buf_putc(out, '\n');
}

static int read_all(selection *s, const rn_select_in *in, rn_bytes text, rn_err *err)
{
    bool body = in->mode == RN_SELECT_BODY;
    int rc = rn_pymodule_read(&s->m, text, body ? in->known.len : 0, P_MAIN, err);
    size_t end = s->m.body_end;
    bool open = s->m.body_open, returns = s->m.body_returns;
    for (size_t i = in->n_others; i > 0 && !rc; i--) /* the nearest last, so that it counts */
        rc = rn_pymodule_read(&s->m, in->others[i - 1], 0, P_OTHER, err);
    s->m.body_end = end;
    s->m.body_open = open;
    s->m.body_returns = returns;
    if (!rc && !group_names(s)) rc = rn_fail(err, RN_ENOMEM, "out of memory reading an answer");
    return rc;
}

int rn_py_select(const rn_select_in *in, rn_buf *out, rn_selected *what, rn_err *err)
{
    selection s = {0};
    rn_selected w = {0};
    rn_buf joined = {0};
    rn_bytes text = in->text;
    if (in->mode == RN_SELECT_BODY) {
        rn_buf_add(&joined, in->known.data, in->known.len);
        rn_buf_add(&joined, in->text.data, in->text.len);
        text = rn_buf_view(&joined);
    }
    int rc = rn_buf_ok(&joined) ? read_all(&s, in, text, err)
                                : rn_fail(err, RN_ENOMEM, "out of memory reading an answer");
    if (!rc) {
        for (size_t i = 0; i < s.m.blocks.n; i++)
            s.prose |= block_at(&s, i)->prose, s.star |= block_at(&s, i)->star;
        w.prose = s.prose;
        w.dedented = s.m.body_returns;
        if (in->mode == RN_SELECT_DEFS) s.head = in->known, s.entry = in->entry;
        if (in->mode == RN_SELECT_BODY) select_body(&s, in, text, out, &w);
        if (in->mode == RN_SELECT_DEFS) select_defs(&s, in, out, &w);
        if (in->mode == RN_SELECT_SCRIPT) select_script(&s, out, &w);
        bool ok = rn_vec_ok(&s.work) && rn_vec_ok(&s.modified) && rn_buf_ok(out);
        if (!ok) rc = rn_fail(err, RN_ENOMEM, "out of memory reading an answer");
    }
    rn_pymodule_free(&s.m);
    rn_vec_free(&s.order);
    rn_vec_free(&s.group_of);
    rn_vec_free(&s.groups);
    rn_vec_free(&s.keep);
    rn_vec_free(&s.work);
    rn_vec_free(&s.modified);
    rn_buf_free(&joined);
    if (!rc) *what = w;
    return rc;
}
