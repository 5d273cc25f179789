/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include "../collectors/registration.h"
#include "../collectors/survey.h"
#include "csv.h"
#include "import_values.h"
#include "indicators.h"
#include "register.h"

#include <errno.h>
#include <stdio.h>

#define COLUMNS_MAX 8
_Static_assert(CSV_FIELDS_MAX > COLUMNS_MAX, "a field too many must be seen");

struct kind {
	const char *name;
	struct import_column columns[COLUMNS_MAX];
	const char *sql; /* parameters: the columns in order, then, if keeps_n, the ledger row */
	bool keeps_n;    /* of two rows of one key both stay, the later counts */
	/* Instead of sql, or behind it: what the row means beyond itself, the days that it changes above all. */
	int (*apply)(struct fold *f, int64_t n, const union store_value *values);
};

/* ---- what rows change ---- */

static int workday_applied(struct fold *f, int64_t n, const union store_value *values)
{
	int64_t day = values[0].number;

	(void)n;
	return dirty_mark_all(&f->dirty, f->store, day, day);
}

/* A unit's days begin with the first nursery, or with what people answered of one that is still to come. */
static int mark_unit(struct fold *f, const char *unit, int64_t first, int64_t earliest)
{
	int r = dirty_mark(&f->dirty, f->store, unit, MAX(first, earliest), f->dirty.today);

	return r < 0 ? r : survey_mark_before(f, unit, first, earliest);
}

int import_mark_units(struct fold *f, const char *division, int64_t first)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	char prefix[7];
	int64_t earliest = f->dirty.today;
	int r = store_get_int(f->store, &earliest, "SELECT ifnull(min(effective_on), ?1) FROM registration", "i", earliest);

	snprintf(prefix, sizeof prefix, "%s", division);
	if (strcmp(prefix + MIN(strlen(prefix), (size_t)2), "0000") == 0)
		prefix[2] = '\0';
	if (r >= 0)
		r = store_query(f->store, &q,
				"SELECT unit FROM site WHERE unit >= ?1 AND unit < ?1 || ':' UNION"
				" SELECT unit FROM register WHERE unit >= ?1 AND unit < ?1 || ':'",
				"t", prefix);
	while (r >= 0 && (r = store_step(q)) > 0)
		r = mark_unit(f, store_text(q, 0), first, earliest);
	return MIN(r, 0);
}

/* Counties and provinces are not added up: it is of the unit with this very code, if there is one. */
static int population_applied(struct fold *f, int64_t n, const union store_value *values)
{
	const char *code = values[0].text;

	(void)n;
	return strcmp(code + 2, "0000") == 0 ? 0 : import_mark_units(f, code, values[1].number);
}

/* Only gap_places is made of a target; the others are compared with theirs when they are shown. */
static int target_applied(struct fold *f, int64_t n, const union store_value *values)
{
	(void)n;
	return strcmp(values[1].text, "places_per_1000") != 0 ? 0 : import_mark_units(f, values[0].text ? values[0].text : "", 0);
}

static int64_t word_number(const char *const *words, const char *word)
{
	for (int64_t i = 0; word && words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return STORE_NULL;
}

#define TRUE_WORDS " true yes 1 "
#define FALSE_WORDS " false no 0 "
static int register_apply(struct fold *f, int64_t n, const union store_value *v)
{
	return register_state(f, n, &(struct register_statement){
		.site = v[0].text,
		.effective_on = v[1].number,
		.division = v[2].text,
		.filing = word_number(filing_words, v[3].text),
		.registration = word_number(registration_words, v[4].text),
		.inclusive = v[5].text ? (int64_t)import_is_word(v[5].text, TRUE_WORDS) : STORE_NULL,
		.source = v[6].text,
	});
}

static int declared_apply(struct fold *f, int64_t n, const union store_value *v)
{
	const char *period;
	int64_t as_of;

	(void)n;
	if (!import_read_period(v[2].text, &period, &as_of))
		return -EUCLEAN;
	return store_run(f->store,
			 "INSERT INTO declared(unit, item, period, as_of, numerator, denominator, document, revision)"
			 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 1) ON CONFLICT DO UPDATE SET numerator = excluded.numerator,"
			 " denominator = excluded.denominator, document = excluded.document, revision = revision + 1"
			 " WHERE (numerator, denominator, document)"
			 " IS NOT (excluded.numerator, excluded.denominator, excluded.document)",
			 "tttittt", v[0].text, v[1].text, period, as_of, v[3].text, v[4].text, v[5].text);
}

static const struct kind kinds[] = {
	{ .name = "divisions",
	  .columns = { { .name = "code", .type = COLUMN_CODE }, { .name = "level", .type = COLUMN_WORD, .words = " province prefecture county " },
		       { .name = "name", .type = COLUMN_TEXT }, { .name = "parent", .type = COLUMN_CODE, .optional = true } },
	  .sql = "INSERT INTO division(code, level, name, parent) VALUES(?1, ?2, ?3, ifnull(?4, ''))"
		 " ON CONFLICT DO UPDATE SET name = excluded.name, parent = excluded.parent" },
	{ .name = "workdays",
	  .columns = { { .name = "date", .type = COLUMN_DAY }, { .name = "day", .type = COLUMN_WORD, .words = " rest work " }, { .name = "reason", .type = COLUMN_TEXT, .optional = true } },
	  .sql = "INSERT INTO workday(date, day, reason) VALUES(?1, ?2, ?3)"
		 " ON CONFLICT DO UPDATE SET day = excluded.day, reason = excluded.reason",
	  .apply = workday_applied },
	{ .name = "designations",
	  .columns = { { .name = "unit", .type = COLUMN_CODE }, { .name = "name", .type = COLUMN_TEXT, .optional = true }, { .name = "cycle", .type = COLUMN_TEXT },
		       { .name = "status", .type = COLUMN_WORD,
			 .words = " none applied province_review province_publicity recommended national_review"
				  " national_publicity named recheck revoked barred objection rejected " },
		       { .name = "effective_on", .type = COLUMN_DAY }, { .name = "document", .type = COLUMN_TEXT, .optional = true } },
	  .sql = "INSERT INTO designation(unit, name, cycle, status, effective_on, document)"
		 " VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET name = excluded.name,"
		 " cycle = excluded.cycle, status = excluded.status, document = excluded.document" },
	{ .name = "population",
	  .columns = { { .name = "division", .type = COLUMN_CODE }, { .name = "reference_date", .type = COLUMN_DAY }, { .name = "resident", .type = COLUMN_COUNT, .optional = true },
		       { .name = "under3", .type = COLUMN_COUNT, .optional = true }, { .name = "source", .type = COLUMN_TEXT } },
	  .sql = "INSERT INTO population(division, reference_date, resident, under3, source, n) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
		 " ON CONFLICT DO UPDATE SET resident = ifnull(excluded.resident, resident),"
		 " under3 = ifnull(excluded.under3, under3), source = excluded.source",
	  .keeps_n = true,
	  .apply = population_applied },
	{ .name = "targets",
	  .columns = { { .name = "division", .type = COLUMN_CODE, .optional = true }, { .name = "indicator", .type = COLUMN_INDICATOR }, { .name = "value", .type = COLUMN_DECIMAL },
		       { .name = "by", .type = COLUMN_DAY }, { .name = "source", .type = COLUMN_TEXT } },
	  .sql = "INSERT INTO target(division, indicator, value, by, source) VALUES(ifnull(?1, ''), ?2, ?3, ?4, ?5)"
		 " ON CONFLICT DO UPDATE SET value = excluded.value, source = excluded.source",
	  .apply = target_applied },
	{ .name = "register",
	  .columns = { { .name = "site", .type = COLUMN_SITE }, { .name = "effective_on", .type = COLUMN_DAY },
		       { .name = "division", .type = COLUMN_CODE, .optional = true },
		       { .name = "filing", .type = COLUMN_WORD, .optional = true,
			 .words = " none submitted filed defects change_pending withdrawn cancelled licensed licence_suspended"
				  " licence_revoked " },
		       { .name = "registration", .type = COLUMN_WORD, .optional = true, .words = " registered cancelled " },
		       { .name = "inclusive", .type = COLUMN_WORD, .optional = true, .words = TRUE_WORDS FALSE_WORDS },
		       { .name = "source", .type = COLUMN_TEXT } },
	  .apply = register_apply },
	{ .name = "declared",
	  .columns = { { .name = "unit", .type = COLUMN_CODE }, { .name = "item", .type = COLUMN_ITEM },
		       { .name = "period", .type = COLUMN_PERIOD }, { .name = "numerator", .type = COLUMN_DECIMAL },
		       { .name = "denominator", .type = COLUMN_DECIMAL, .optional = true },
		       { .name = "document", .type = COLUMN_TEXT } },
	  .apply = declared_apply },
	{ .name = "averages",
	  .columns = { { .name = "province", .type = COLUMN_PROVINCE }, { .name = "indicator", .type = COLUMN_INDICATOR }, { .name = "reference_date", .type = COLUMN_DAY },
		       { .name = "value", .type = COLUMN_DECIMAL }, { .name = "source", .type = COLUMN_TEXT } },
	  .sql = "INSERT INTO average(province, indicator, reference_date, value, source)"
		 " VALUES(?1, ?2, ?3, ?4, ?5)"
		 " ON CONFLICT DO UPDATE SET value = excluded.value, source = excluded.source" },
};

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

bool import_kind_known(const char *kind)
{
	return kind_of(kind) != NULL;
}

void import_kinds(struct buf *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		buf_str(ret, i > 0 ? ", " : "");
		buf_str(ret, kinds[i].name);
	}
}

/* ---- checking ---- */

/* At most 63 bytes; never cuts a character of UTF-8 in two: reports become JSON. */
static void copy_cut(char to[static 64], const char *from)
{
	size_t len = strnlen(from, 63);

	while (len > 0 && ((unsigned char)from[len] & 0xc0) == 0x80)
		len--;
	memcpy(to, from, len);
	to[len] = '\0';
}

static void tell(struct import_error *e, int line, const char *column, const char *value, const char *zh, const char *en)
{
	*e = (struct import_error){ .line = line, .zh = zh, .en = en };
	snprintf(e->column, sizeof e->column, "%s", column);
	copy_cut(e->value, value);
}

static void complain(struct import_report *rep, int line, const char *column, const char *value, const char *zh, const char *en)
{
	if (rep->error_count < IMPORT_ERRORS_MAX)
		tell(&rep->errors[rep->error_count], line, column, value, zh, en);
	rep->error_count++;
}

static size_t column_count(const struct kind *k)
{
	size_t n = 0;

	while (n < COLUMNS_MAX && k->columns[n].name)
		n++;
	return n;
}

static bool check_header(const struct kind *k, const struct csv_record *c, struct import_report *rep)
{
	size_t want = column_count(k);

	for (size_t i = 0; i < want; i++) {
		const char *got = i < c->count ? c->fields[i] : "";

		if (strcmp(got, k->columns[i].name) != 0)
			complain(rep, c->line, k->columns[i].name, got, "表头应为该列名", "the header must name this column here");
	}
	if (c->count > want)
		complain(rep, c->line, "", c->fields[want], "多余的列", "one column too many");
	return rep->error_count == 0;
}

typedef int (*record_fn)(void *context, const struct kind *k, const union store_value *values);

static int each_record(const struct kind *k, struct csv_reader *reader, struct import_report *rep, record_fn fn, void *context)
{
	size_t want = column_count(k);
	struct csv_record c;

	while (csv_read_record(reader, &c)) {
		union store_value values[COLUMNS_MAX + 1] = { 0 };
		size_t before = rep->error_count;
		int r;

		if (csv_is_blank(&c))
			continue;
		if (c.broken || c.count != want) {
			complain(rep, c.line, "", "", "列数或引号不正确", c.broken ? "a quote is not closed" : "wrong number of columns");
			continue;
		}
		for (size_t i = 0; i < want; i++)
			if (!import_read_value(&k->columns[i], c.fields[i], &values[i]))
				complain(rep, c.line, k->columns[i].name, c.fields[i], import_rules[k->columns[i].type].zh,
					 import_rules[k->columns[i].type].en);
		if (rep->error_count > before)
			continue;
		rep->rows++;
		rep->line = c.line;
		r = fn ? fn(context, k, values) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static bool utf8_valid(const char *p, size_t len)
{
	_cleanup_(json_freep) json *text = json_new_text_len(p, len);

	return json_kind(text) == JSON_KIND_TEXT;
}

static int read_file(const struct kind *k, const char *csv, size_t len, struct import_report *rep, record_fn fn, void *context)
{
	_cleanup_(freep) char *copy = xcalloc(1, len + 1);
	struct csv_reader reader = { .line = 1 };
	struct csv_record header;

	memcpy(copy, csv, len);
	reader.p = copy;
	reader.end = copy + len;
	if (len >= 3 && memcmp(copy, "\xef\xbb\xbf", 3) == 0)
		reader.p += 3;
	if (!utf8_valid(copy, len) || memchr(copy, '\0', len)) {
		complain(rep, 0, "", "", "文件应为 UTF-8 编码的文本", "the file must be UTF-8 text");
		return 0;
	}
	if (!csv_read_record(&reader, &header)) {
		complain(rep, 0, "", "", "文件为空", "the file is empty");
		return 0;
	}
	if (!check_header(k, &header, rep))
		return 0;
	return each_record(k, &reader, rep, fn, context);
}

void import_check(const char *kind, const char *csv, size_t len, struct import_report *ret)
{
	const struct kind *k = kind_of(kind);

	*ret = (struct import_report){ 0 };
	if (!k)
		complain(ret, 0, "", kind, "未知的导入类型", "unknown kind of import");
	else
		read_file(k, csv, len, ret, NULL, NULL);
}

struct applying {
	struct fold *f;
	int64_t n;
};

static int apply_record(void *context, const struct kind *k, const union store_value *values)
{
	const struct applying *a = context;
	union store_value all[COLUMNS_MAX + 1];
	char types[COLUMNS_MAX + 2] = "";
	size_t count = column_count(k);
	int r;

	for (size_t i = 0; i < count; i++) {
		all[i] = values[i];
		types[i] = import_is_number(k->columns[i].type) ? 'i' : 't';
	}
	if (k->keeps_n) {
		all[count].number = a->n;
		types[count] = 'i';
	}
	r = k->sql ? store_run_values(a->f->store, k->sql, types, all) : 0;
	return r < 0 || !k->apply ? r : k->apply(a->f, a->n, values);
}

int import_apply(struct fold *f, const char *kind, const char *csv, size_t len, int64_t n, int64_t *ret_rows)
{
	const struct kind *k = kind_of(kind);
	struct applying a = { .f = f, .n = n };
	struct import_report rep = { 0 };
	int r;

	if (!k)
		return -EINVAL;
	r = read_file(k, csv, len, &rep, apply_record, &a);
	*ret_rows = rep.rows;
	return r;
}

/* ---- what nothing knows ---- */

struct noting {
	struct store *s;
	const struct import_report *at; /* the line being read */
	struct import_report *ret;
};

/* 1 known, or no name of anything; 0 not. */
static int is_known(struct store *s, enum import_type type, const char *text)
{
	int64_t known = 0;
	int r = 0;

	if (!text || (type != COLUMN_CODE && type != COLUMN_INDICATOR) || (type == COLUMN_INDICATOR && indicator_of(text)))
		return 1;
	if (type == COLUMN_CODE)
		r = store_get_int(s, &known, "SELECT 1 FROM division WHERE code = ? LIMIT 1", "t", text);
	else
		r = store_get_int(s, &known, "SELECT 1 FROM declared WHERE item = ? LIMIT 1", "t", text);
	return r < 0 ? r : known != 0;
}

static int note_record(void *context, const struct kind *k, const union store_value *values)
{
	const struct noting *noting = context;
	struct import_report *ret = noting->ret;

	for (size_t i = 0; i < column_count(k) && ret->note_count < IMPORT_ERRORS_MAX; i++) {
		const struct import_column *c = &k->columns[i];
		int r = import_is_number(c->type) ? 1 : is_known(noting->s, c->type, values[i].text);

		if (r < 0)
			return r;
		if (r == 0 && c->type == COLUMN_CODE)
			tell(&ret->notes[ret->note_count++], noting->at->line, c->name, values[i].text, "区划代码表中没有该代码，已照录",
			     "no division has this code; taken as it is");
		else if (r == 0)
			tell(&ret->notes[ret->note_count++], noting->at->line, c->name, values[i].text,
			     "没有该指标，也没有同名的申报项目；已照录，暂不参与比较",
			     "no indicator and no declared item has this id; taken as it is, nothing is compared with it");
	}
	return 0;
}

int import_note(struct store *s, const char *kind, const char *csv, size_t len, struct import_report *ret)
{
	const struct kind *k = kind_of(kind);
	struct import_report at = { 0 };
	struct noting noting = { .s = s, .at = &at, .ret = ret };

	ret->note_count = 0;
	if (!k || strcmp(k->name, "divisions") == 0) /* it says itself what there is */
		return 0;
	return read_file(k, csv, len, &at, note_record, &noting);
}
