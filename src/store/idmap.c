/*
 * idmap.c: an open-addressing hash table of ids. Keys: the id, the id in lower case, and the number
 * after its last '/'; only the first is always its own, the others may become ambiguous.
 */
#include "store/idmap.h"

#include "base/rng.h"

enum { MAX_ALIAS = 256 };

static rn_idmap_slot *slot_of(const rn_idmap *m, rn_bytes key)
{
    size_t i = (size_t)rn_rng_stream(key.data, key.len) & (m->cap - 1);
    while (m->slots[i].key && !rn_bytes_equal((rn_bytes){m->slots[i].key, m->slots[i].len}, key))
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

static bool grow(rn_idmap *m)
{
    rn_idmap old = *m;
    m->cap = old.cap ? 2 * old.cap : 256;
    m->slots = calloc(m->cap, sizeof *m->slots);
    if (!m->slots) {
        m->slots = old.slots;
        m->cap = old.cap;
        return false;
    }
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].key)
            *slot_of(m, (rn_bytes){old.slots[i].key, old.slots[i].len}) = old.slots[i];
    free(old.slots);
    return true;
}

/* exact: the key is the entry's own id and wins over an alias of another. */
static bool put(rn_idmap *m, rn_bytes key, rn_import_entry *e, bool exact)
{
    if (2 * (m->n_keys + 1) > m->cap && !grow(m)) return false;
    rn_idmap_slot *s = slot_of(m, key);
    if (s->key) {
        bool other_own = s->entry && rn_bytes_equal(rn_bytes_of(s->entry->task_id), key);
        if (exact)
            s->entry = e;
        else if (s->entry != e && !other_own)
            s->entry = NULL;
        return true;
    }
    char *copy = rn_arena_dup(&m->arena, key.data, key.len);
    if (!copy) return false;
    *s = (rn_idmap_slot){copy, key.len, e};
    m->n_keys++;
    return true;
}

static rn_bytes lower(rn_bytes id, char out[MAX_ALIAS])
{
    if (id.len > MAX_ALIAS) return (rn_bytes){0};
    for (size_t i = 0; i < id.len; i++)
        out[i] = (char)tolower((unsigned char)id.data[i]);
    return (rn_bytes){out, id.len};
}

/* The digits after the last '/', empty if they are none. */
static rn_bytes number_of(rn_bytes id)
{
    size_t at = id.len;
    while (at > 0 && isdigit((unsigned char)id.data[at - 1]))
        at--;
    bool ok = at > 0 && at < id.len && id.data[at - 1] == '/';
    return ok ? (rn_bytes){id.data + at, id.len - at} : (rn_bytes){0};
}

rn_import_entry *rn_idmap_add(rn_idmap *m, rn_bytes task_id)
{
    char folded[MAX_ALIAS];
    rn_import_entry *e = rn_arena_alloc(&m->arena, sizeof *e);
    char *id = rn_arena_dup(&m->arena, task_id.data, task_id.len);
    if (!e || !id) return NULL;
    e->task_id = id;
    rn_bytes alias = lower(task_id, folded), number = number_of(task_id);
    if (!put(m, task_id, e, true)) return NULL;
    if (alias.len && !put(m, alias, e, false)) return NULL;
    if (number.len && !put(m, number, e, false)) return NULL;
    return rn_vec_push(&m->list, e) ? e : NULL;
}

rn_import_entry *rn_idmap_find(const rn_idmap *m, rn_bytes task_id)
{
    char folded[MAX_ALIAS];
    if (!m->cap) return NULL;
    const rn_idmap_slot *s = slot_of(m, task_id);
    if (s->key) return s->entry;
    rn_bytes alias = lower(task_id, folded);
    if (!alias.len) return NULL;
    s = slot_of(m, alias);
    return s->key ? s->entry : NULL;
}

void rn_idmap_free(rn_idmap *m)
{
    free(m->slots);
    rn_vec_free(&m->list);
    rn_arena_free(&m->arena);
    *m = (rn_idmap){0};
}
