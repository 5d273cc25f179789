/* SPDX-License-Identifier: MIT
 *
 * CSV files as every kind of import: refused with line, column and rule, or every row goes into its table. Each input
 * is tried as each kind; a header that does not fit ends it at once.
 */
#include "fuzz.h"

#include "../../daemon/imports.h"
#include "../../daemon/schema.h"

static struct store *open_store(void)
{
	struct store *s;

	if (store_open("", STORE_MEMORY, &s) < 0 || schema_migrate(s) != 0)
		abort();
	return s;
}

static void apply(struct store *s, const char *kind, const char *csv, size_t len, int64_t want)
{
	struct fold fold = { .store = s };
	int64_t rows = 0;

	PROMISE(store_begin(s) == 0);
	PROMISE(import_apply(&fold, kind, csv, len, 1, &rows) == 0);
	PROMISE(rows == want);
	store_rollback(s);
	dirty_forget(&fold.dirty);
}

static void check_errors(const struct import_report *report)
{
	for (size_t i = 0; i < MIN(report->error_count, (size_t)IMPORT_ERRORS_MAX); i++) {
		const struct import_error *e = &report->errors[i];
		json *value = json_new_text(e->value), *column = json_new_text(e->column);

		PROMISE(e->zh && e->en && e->line >= 0);
		PROMISE(json_kind(value) == JSON_KIND_TEXT && json_kind(column) == JSON_KIND_TEXT); /* they go into JSON */
		json_free(value);
		json_free(column);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct store *s;
	static struct import_report report;
	struct buf kinds = { 0 };

	s = s ? s : open_store();
	import_kinds(&kinds);
	for (char *rest, *kind = strtok_r(kinds.p, ", ", &rest); kind; kind = strtok_r(NULL, ", ", &rest)) {
		import_check(kind, (const char *)bytes, len, &report);
		check_errors(&report);
		if (report.error_count == 0)
			apply(s, kind, (const char *)bytes, len, report.rows);
	}
	buf_done(&kinds);
	return 0;
}
