/*
 * data.h: where files that ship with ration lie. A file is looked for in the user's data folder,
 * then beside the program: in a source tree `data/` and `models/`, installed
 * `<prefix>/share/ration/`.
 */
#ifndef RN_BASE_DATA_H
#define RN_BASE_DATA_H

#include "base/buf.h"

/* Finds `rel` (e.g. "mini/mini.jsonl", "models/NAME.gguf") in data_dir (may be NULL or ""), then in
 * the folders that ship with the program. True with its path in *path (cleared first) when it
 * exists. */
bool rn_data_locate(const char *data_dir, const char *rel, rn_buf *path);

/* Appends the paths at which rn_data_locate looks, with ", " between them, for messages. */
void rn_data_places(const char *data_dir, const char *rel, rn_buf *out);

#endif
