/* render.h: a computed report as text, CSV and JSON; page.h and figure.h are the other two
 * forms. Every renderer appends to *out and fails only when memory is out (rn_buf_ok). */
#ifndef RN_REPORT_RENDER_H
#define RN_REPORT_RENDER_H

#include "report/report.h"

/* At most 45 lines: the answer on each axis, who leads at which budget, what is missing,
 * conditions. */
void rn_report_screen(const rn_report *r, rn_buf *out);
/* Every table of the chosen metrics, conditions at the end. */
void rn_report_text(const rn_report *r, uint32_t metrics, rn_buf *out);
void rn_report_csv(const rn_report *r, uint32_t metrics, rn_buf *out);
void rn_report_json(const rn_report *r, uint32_t metrics, rn_buf *out);

/* The findings of a task as sentences, one per line: who leads, ranking without tests, a score to
 * reach; on each axis. */
void rn_report_sentences(const rn_report_task *t, rn_buf *out);
/* What is missing, as paragraphs "note: ..."; nothing where nothing is. */
void rn_report_notes(const rn_report *r, rn_buf *out);
/* The member "notes" of an object. */
void rn_report_json_notes(const rn_report *r, rn_buf *out);

#endif
