/*
 * cgroup.h: one control group per host process, made before it starts and removed after its end, so
 * that memory, processes and CPU time of a judged program's whole tree are counted by the kernel.
 */
#ifndef RN_JUDGE_CGROUP_H
#define RN_JUDGE_CGROUP_H

#include "judge/wire.h"

/* Fills the cgroup fields of *cfg with folders of its own: v1 where the memory controller
 * is mounted there, else v2; all empty where none can be written. */
void rn_cgroup_make(rn_wire_config *cfg);
void rn_cgroup_remove(const rn_wire_config *cfg);

#endif
