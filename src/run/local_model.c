/* local_model.c: see local_model.h. */
#include "run/local_model.h"

#include "model/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

int rn_parse_size(const char *text, size_t *out, rn_err *err)
{
    static const struct {
        const char *suffix;
        double factor;
    } units[] = {{"", 1},
                 {"K", 1024.0},
                 {"KiB", 1024.0},
                 {"M", 1048576.0},
                 {"MiB", 1048576.0},
                 {"G", 1073741824.0},
                 {"GiB", 1073741824.0},
                 {"T", 1099511627776.0},
                 {"TiB", 1099511627776.0}};
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    for (size_t i = 0; end != text && !errno && i < sizeof units / sizeof units[0]; i++) {
        if (strcasecmp(end, units[i].suffix) != 0) continue;
        if (!(v > 0) || v * units[i].factor > (double)(SIZE_MAX / 4)) break;
        *out = (size_t)(v * units[i].factor);
        return 0;
    }
    return rn_fail(err, RN_EINVAL, "'%s' is no size; write e.g. 800M or 12G", text);
}

static const char *const kv_names[RN_N_KV_TYPES] = {
    [RN_KV_F16] = "f16", [RN_KV_F32] = "f32", [RN_KV_Q8] = "q8"};

const char *rn_kv_name(rn_kv_type kv)
{
    return kv_names[kv];
}

int rn_parse_kv(const char *text, rn_kv_type *out, rn_err *err)
{
    for (int i = 0; i < RN_N_KV_TYPES; i++)
        if (strcmp(text ? text : "f16", kv_names[i]) == 0) {
            *out = (rn_kv_type)i;
            return 0;
        }
    return rn_fail(err, RN_EINVAL, "--kv is f16, q8 or f32, not '%s'", text);
}

int rn_model_opts_load(const rn_model_opts *o, rn_model **out, size_t *budget, rn_err *err)
{
    size_t memory = 0;
    int rc = o->memory ? rn_parse_size(o->memory, &memory, err) : 0;
    if (rc) return rc;
    rn_model *m;
    rn_load_opts load = {.n_threads = (int)o->threads, .memory_bytes = memory};
    if ((rc = rn_model_load(o->path, &load, &m, err))) return rc;
    *budget = memory ? memory - m->weight_bytes : 0;
    if (memory && *budget == 0) *budget = 1; /* 0 would mean: choose */
    *out = m;
    return 0;
}

int rn_model_opts_engine(const rn_model_opts *o, size_t budget, rn_engine_opts *out, rn_err *err)
{
    *out = (rn_engine_opts){
        .n_threads = (int)o->threads, .n_slots = (int32_t)o->slots, .memory_bytes = budget};
    return rn_parse_kv(o->kv, &out->kv, err);
}

const char *rn_model_opts_name(const char *path)
{
    static char name[256];
    const char *base = strrchr(path, '/');
    snprintf(name, sizeof name, "%s", base ? base + 1 : path);
    size_t n = strlen(name);
    if (n > 5 && strcasecmp(name + n - 5, ".gguf") == 0) name[n - 5] = '\0';
    return name;
}

void rn_hardware(rn_isa isa, int n_threads, rn_buf *out)
{
    char cpu[128];
    rn_cpu_model(cpu, sizeof cpu);
    size_t memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    rn_buf_printf(out, "%s, %d of %d cores, %.0f GiB, %s", cpu, n_threads, rn_cpu_count(),
                  (double)memory / 1073741824.0, rn_isa_name(isa));
}
