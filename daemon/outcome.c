/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include "clock.h"

#include <errno.h>

#define FOLD_VERSION 1 /* what a row's outcome was folded with; raised when the fold of old rows changes */

const char *const status_words[] = { "accepted", "rejected", "refused_pii", "fault" };

/* A finding's text from the table unless it brought its own. */
struct told {
	const char *code, *path, *got, *want, *zh, *en, *fix;
	const struct code_text *table;
};

static void add_pair(struct buf *out, const char *key, const char *value)
{
	buf_str(out, out->p[out->len - 1] == '{' ? "\"" : ",\"");
	buf_str(out, key);
	buf_str(out, "\":");
	buf_json(out, value, -1);
}

/* Sorted keys; own texts only where they differ from the table's, so that the row says all that was told. */
static void write_for_ledger(const struct told *t, struct buf *out)
{
	const struct {
		const char *key, *value, *usual;
	} pairs[] = {
		{ "code", t->code, NULL },	   { "en", t->en, t->table->en }, { "fix", t->fix, t->table->fix },
		{ "got", t->got, NULL },	   { "path", t->path, NULL },	  { "want", t->want, NULL },
		{ "zh", t->zh, t->table->zh },
	};

	buf_char(out, '{');
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (pairs[i].value && !(pairs[i].usual && strcmp(pairs[i].usual, pairs[i].value) == 0))
			add_pair(out, pairs[i].key, pairs[i].value);
	buf_char(out, '}');
}

static void write_for_sender(const struct told *t, struct buf *out)
{
	buf_char(out, '{');
	add_pair(out, "code", t->code);
	add_pair(out, "path", t->path);
	if (t->got)
		add_pair(out, "got", t->got);
	if (t->want)
		add_pair(out, "want", t->want);
	add_pair(out, "zh", t->zh);
	add_pair(out, "en", t->en);
	add_pair(out, "fix", t->fix);
	buf_char(out, '}');
}

typedef void (*write_fn)(const struct told *t, struct buf *out);

static void write_findings(const struct findings *f, bool errors, write_fn write, struct buf *out)
{
	bool first = true;

	buf_char(out, '[');
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *x = &f->items[i];
		const struct code_text *table = &code_texts[x->code];

		if (table->error != errors)
			continue;
		buf_str(out, first ? "" : ",");
		first = false;
		write(&(struct told){ table->name, x->path, x->got, x->want, x->zh, x->en, x->fix, table }, out);
	}
	buf_char(out, ']');
}

static void write_remembered(const json *list, struct buf *out)
{
	buf_char(out, '[');
	for (size_t i = 0; i < json_count(list); i++) {
		const json *x = json_at(list, i);
		const char *name = json_text(json_get(x, "code"));
		int code = code_of(name);
		const struct code_text *table = &code_texts[code >= 0 ? code : E_FAULT];
		const json *zh = json_get(x, "zh"), *en = json_get(x, "en"), *fix = json_get(x, "fix");
		const json *got = json_get(x, "got"), *want = json_get(x, "want");

		buf_str(out, i > 0 ? "," : "");
		write_for_sender(&(struct told){ name, json_text(json_get(x, "path")), got ? json_text(got) : NULL,
						 want ? json_text(want) : NULL, zh ? json_text(zh) : table->zh,
						 en ? json_text(en) : table->en, fix ? json_text(fix) : table->fix, table },
				 out);
	}
	buf_char(out, ']');
}

static void write_number_or_null(struct buf *out, bool known, int64_t v)
{
	if (known)
		buf_int(out, v);
	else
		buf_str(out, "null");
}

void outcome_write(const struct verdict *v, struct buf *out)
{
	buf_char(out, '{');
	if (v->actor) {
		add_pair(out, "actor", v->actor);
		buf_char(out, ',');
	}
	buf_str(out, "\"epoch\":");
	write_number_or_null(out, v->identified, v->epoch);
	buf_str(out, ",\"errors\":");
	write_findings(v->findings, true, write_for_ledger, out);
	buf_str(out, ",\"fold\":");
	buf_int(out, FOLD_VERSION);
	if (v->key) {
		buf_str(out, ",\"key\":");
		buf_json(out, v->key, -1);
	}
	if (v->print) {
		buf_str(out, ",\"print\":");
		buf_json(out, v->print, -1);
	}
	if (v->replay_of)
		buf_printf(out, ",\"replay_of\":%lld,\"replay_received_at\":%lld", (long long)v->replay_of,
			   (long long)v->replay_received_at);
	if (v->roles) {
		buf_str(out, ",\"roles\":");
		buf_json(out, v->roles, -1);
	}
	buf_str(out, ",\"seq\":");
	write_number_or_null(out, v->identified, v->seq);
	buf_str(out, ",\"status\":");
	buf_json(out, status_words[v->status], -1);
	buf_str(out, ",\"warnings\":");
	write_findings(v->findings, false, write_for_ledger, out);
	buf_char(out, '}');
}

static int status_of(const char *word)
{
	for (int i = 0; i < (int)ARRAY_SIZE(status_words); i++)
		if (strcmp(status_words[i], word) == 0)
			return i;
	return -1;
}

static bool has_code(const json *list, const char *code)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text(json_get(json_at(list, i), "code")), code) == 0)
			return true;
	return false;
}

static bool well_formed(const json *list)
{
	if (!list || json_kind(list) != JSON_KIND_LIST)
		return false;
	for (size_t i = 0; i < json_count(list); i++) {
		const json *code = json_get(json_at(list, i), "code"), *path = json_get(json_at(list, i), "path");

		if (!code || !path || json_kind(code) != JSON_KIND_TEXT || json_kind(path) != JSON_KIND_TEXT)
			return false;
	}
	return true;
}

static int64_t number_at(const json *object, const char *key)
{
	const json *value = json_get(object, key);

	return value && json_kind(value) == JSON_KIND_INT ? json_int(value) : 0;
}

static const char *text_at(const json *object, const char *key)
{
	const json *value = json_get(object, key);

	return value && json_kind(value) == JSON_KIND_TEXT ? json_text(value) : NULL;
}

int outcome_read(const char *text, size_t len, struct outcome *ret)
{
	const json *status, *epoch, *seq;
	size_t offset;
	int word;

	*ret = (struct outcome){ 0 };
	if (json_parse(text, len, DEPTH_MAX, &ret->root, &offset) < 0)
		return -EUCLEAN;
	status = json_get(ret->root, "status");
	ret->errors = json_get(ret->root, "errors");
	ret->warnings = json_get(ret->root, "warnings");
	word = status && json_kind(status) == JSON_KIND_TEXT ? status_of(json_text(status)) : -1;
	if (word < 0 || !well_formed(ret->errors) || !well_formed(ret->warnings)) {
		outcome_done(ret);
		return -EUCLEAN;
	}
	ret->status = (enum status)word;
	epoch = json_get(ret->root, "epoch");
	seq = json_get(ret->root, "seq");
	ret->identified = epoch && seq && json_kind(epoch) == JSON_KIND_INT && json_kind(seq) == JSON_KIND_INT;
	if (ret->identified) {
		ret->epoch = json_int(epoch);
		ret->seq = json_int(seq);
	}
	ret->print = text_at(ret->root, "print");
	ret->actor = text_at(ret->root, "actor");
	ret->roles = text_at(ret->root, "roles");
	ret->key = text_at(ret->root, "key");
	ret->replay_of = number_at(ret->root, "replay_of");
	ret->replay_received_at = number_at(ret->root, "replay_received_at");
	ret->jump_refused = has_code(ret->errors, "E_SEQ_JUMP");
	ret->reused = has_code(ret->errors, "E_SEQ_REUSED");
	return 0;
}

void outcome_done(struct outcome *o)
{
	json_free(o->root);
	*o = (struct outcome){ 0 };
}

static json *codes_alone(const json *list)
{
	json *kept = json_new_list();

	for (size_t i = 0; i < json_count(list); i++) {
		json *finding = json_new_object();

		json_set(finding, "code", json_keep(json_get(json_at(list, i), "code")));
		json_set(finding, "path", json_new_text("")); /* a key is the sender's text, too */
		json_push(kept, finding);
	}
	return kept;
}

int outcome_forget(const char *text, size_t len, struct buf *out)
{
	_cleanup_(outcome_done) struct outcome o = { 0 };
	json *errors, *warnings;
	int r = outcome_read(text, len, &o);

	if (r < 0)
		return r;
	errors = codes_alone(o.errors);
	warnings = codes_alone(o.warnings);
	json_set(o.root, "errors", errors);
	json_set(o.root, "warnings", warnings);
	json_canonical(o.root, out);
	return 0;
}

static void write_lists(const struct receipt *r, struct buf *out)
{
	buf_str(out, ",\"errors\":");
	if (r->findings)
		write_findings(r->findings, true, write_for_sender, out);
	else
		write_remembered(r->errors, out);
	buf_str(out, ",\"warnings\":");
	if (r->findings)
		write_findings(r->findings, false, write_for_sender, out);
	else
		write_remembered(r->warnings, out);
}

void receipt_write(const struct receipt *r, struct buf *out)
{
	char when[CLOCK_TEXT_SIZE];

	buf_str(out, "{\"v\":1,\"feed\":");
	buf_json(out, r->feed, -1);
	buf_str(out, ",\"epoch\":");
	write_number_or_null(out, r->identified, r->epoch);
	buf_str(out, ",\"seq\":");
	write_number_or_null(out, r->identified, r->seq);
	buf_str(out, ",\"status\":");
	buf_json(out, status_words[r->status], -1);
	buf_str(out, ",\"received_at\":\"");
	buf_str(out, clock_format_time(r->received_at, when));
	buf_str(out, "\",\"ledger\":");
	write_number_or_null(out, r->ledger > 0, r->ledger);
	buf_str(out, ",\"hash\":");
	if (r->hash) {
		buf_char(out, '"');
		buf_hex(out, r->hash, HASH_SIZE);
		buf_char(out, '"');
	} else {
		buf_str(out, "null");
	}
	write_lists(r, out);
	buf_str(out, ",\"next_seq\":");
	buf_int(out, r->next_seq);
	if (r->sha256) {
		buf_str(out, ",\"sha256\":\"");
		buf_hex(out, r->sha256, HASH_SIZE);
		buf_char(out, '"');
	}
	if (r->duplicate)
		buf_str(out, ",\"duplicate\":true");
	if (r->unverified)
		buf_str(out, ",\"verified\":false");
	if (r->sandbox)
		buf_str(out, ",\"sandbox\":true");
	buf_char(out, '}');
}
