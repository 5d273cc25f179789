/* SPDX-License-Identifier: MIT */
#include "sim_writer.h"

#include "../daemon/clock.h"
#include "../daemon/err.h"
#include "sim_random.h"

const char *const sim_type_names[] = {
	[SIM_FALL] = "fall",
	[SIM_POISONING] = "poisoning",
	[SIM_FOOD_POISONING] = "food_poisoning",
	[SIM_FIRE] = "fire",
	[SIM_ABUSE_SUSPECTED] = "abuse_suspected",
};

/* A name is one of each: 晨芽, 小鹿 …; no first word is a family name, and none is a digit. */
static const char *const name_first[] = {
	"晨", "小", "彩", "蓝", "绿", "暖", "晴", "新", "乐", "七彩", "欢", "星", "森", "春", "朵朵", "阳光",
};
static const char *const name_second[] = {
	"芽", "苗", "贝", "鹿", "帆", "桥", "蕊", "禾", "果", "豆", "叶", "溪", "风车", "蜗牛", "摇篮", "海豚",
};

/* printf is most of the cost of a message: the frequent ones are put together by these. */
static void field(struct buf *out, const char *name, int64_t v)
{
	buf_str(out, name);
	buf_int(out, v);
}

static void nullable(struct buf *out, const char *name, int64_t v)
{
	buf_str(out, name);
	if (v < 0)
		buf_str(out, "null");
	else
		buf_int(out, v);
}

static void two(char *p, int v)
{
	p[0] = (char)('0' + v / 10 % 10);
	p[1] = (char)('0' + v % 10);
}

/* 2026-11-23 */
static void put_day(struct buf *out, int64_t day)
{
	char text[10] = "0000-00-00";
	int year, month, dom;

	clock_date_of(day, &year, &month, &dom);
	two(text, year / 100);
	two(text + 2, year % 100);
	two(text + 5, month);
	two(text + 8, dom);
	buf_add(out, text, sizeof text);
}

/* 2026-11-23T17:30:00.123+08:00, Shanghai as the nurseries write it */
static void put_time(struct buf *out, int64_t instant_ms)
{
	char text[] = "T00:00:00.000+08:00";
	int64_t day = clock_local_day(instant_ms);
	int ms = (int)(instant_ms - clock_day_start_ms(day));

	put_day(out, day);
	two(text + 1, ms / (int)HOUR_MS);
	two(text + 4, ms / (int)MINUTE_MS % 60);
	two(text + 7, ms / (int)SECOND_MS % 60);
	text[10] = (char)('0' + ms / 100 % 10);
	two(text + 11, ms % 100);
	buf_add(out, text, sizeof text - 1);
}

static void put_time_or_null(struct buf *out, bool known, int64_t instant_ms)
{
	if (!known) {
		buf_str(out, "null");
		return;
	}
	buf_char(out, '"');
	put_time(out, instant_ms);
	buf_char(out, '"');
}

void sim_write_topic(const struct sim_world *w, const struct sim_site *s, bool sandbox, const char *feed,
		     struct buf *out)
{
	const char *parts[] = { sandbox ? "nursery-test/v1/" : "nursery/v1/", w->province, "/",
				sim_world_division(w, s)->code, "/", s->id, "/up/", feed };

	buf_reset(out);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		buf_str(out, parts[i]);
}

/* Everything before the body. */
static void open_message(const struct sim_world *w, const struct sim_envelope *e, struct buf *out)
{
	buf_reset(out);
	buf_str(out, "{\"v\":1,\"site\":\"");
	buf_str(out, e->site->id);
	buf_str(out, "\",\"division\":\"");
	buf_str(out, sim_world_division(w, e->site)->code);
	field(out, "\",\"epoch\":", e->epoch);
	field(out, ",\"seq\":", e->seq);
	buf_str(out, ",\"sent_at\":\"");
	put_time(out, e->sent_ms);
	buf_str(out, "\",\"kind\":\"");
	buf_str(out, e->kind);
	if (e->reason)
		buf_printf(out, "\",\"ref\":{\"epoch\":%lld,\"seq\":%lld},\"reason\":\"%s", (long long)e->epoch,
			   (long long)e->ref_seq, e->reason);
	buf_str(out, "\",\"sw\":\"nursery-sim/" NURSERYD_VERSION "\"");
}

static bool has_filing(const struct sim_site *s)
{
	return strcmp(s->filing, "none") != 0 && strcmp(s->filing, "submitted") != 0;
}

static void put_name(const struct sim_world *w, const struct sim_site *s, struct sim_random *r, struct buf *out)
{
	buf_str(out, ",\"name\":\"");
	buf_str(out, sim_world_division(w, s)->name);
	buf_str(out, name_first[sim_random_below(r, ARRAY_SIZE(name_first))]);
	buf_str(out, name_second[sim_random_below(r, ARRAY_SIZE(name_second))]);
	buf_str(out, s->facility->suffix);
	buf_char(out, '"');
}

static void put_filing(const struct sim_world *w, const struct sim_site *s, struct buf *out)
{
	int year, month, dom;

	buf_printf(out, ",\"registration\":\"registered\",\"filing\":\"%s\"", s->filing);
	if (!has_filing(s))
		return;
	clock_date_of(s->filed_day, &year, &month, &dom);
	buf_printf(out, ",\"filing_no\":\"%s-%04d-%04u\",\"filed_on\":\"", sim_world_division(w, s)->code, year,
		   s->index % 10000);
	put_day(out, s->filed_day);
	buf_char(out, '"');
}

static void put_terms(const struct sim_site *s, struct sim_random *r, struct buf *out)
{
	static const int cctv_days[] = { 30, 60, 90, 90 };
	bool inclusive = sim_random_below(r, 100) < 58, disclosed = sim_random_below(r, 100) < 91;

	buf_printf(out, ",\"inclusive\":%s,\"disclosed\":%s,\"insured_until\":", inclusive ? "true" : "false",
		   disclosed ? "true" : "false");
	if (sim_random_below(r, 100) < 93) {
		buf_char(out, '"');
		put_day(out, clock_day_of(2026, 12, 31) + sim_random_between(r, -60, 365));
		buf_char(out, '"');
	} else {
		buf_str(out, "null");
	}
	field(out, ",\"cctv_days\":", cctv_days[sim_random_below(r, ARRAY_SIZE(cctv_days))]);
	field(out, ",\"fee_month\":{\"fullday\":", s->fee);
	field(out, ",\"halfday\":", s->fee * 6 / 10);
	buf_char(out, '}');
}

void sim_write_registration(const struct sim_world *w, const struct sim_envelope *e, struct buf *out)
{
	const struct sim_site *s = e->site;
	struct sim_random r = sim_random_of(w->seed, s->index, 1);

	open_message(w, e, out);
	buf_str(out, ",\"body\":{\"effective_on\":\"");
	put_day(out, s->effective_day);
	buf_char(out, '"');
	put_name(w, s, &r, out);
	buf_printf(out, ",\"facility\":\"%s\",\"registrar\":\"%s\"", s->facility->word, s->facility->registrar);
	put_filing(w, s, out);
	buf_printf(out, ",\"operation\":\"%s\"", s->operation);
	buf_printf(out, ",\"places\":{\"infant\":%d,\"toddler\":%d,\"older\":%d,\"mixed\":%d}", s->places.infant,
		   s->places.toddler, s->places.older, s->places.mixed);
	put_terms(s, &r, out);
	buf_str(out, "}}");
}

static void put_classes(const struct sim_enrolment *day, struct buf *out)
{
	buf_str(out, ",\"classes\":[");
	for (size_t i = 0; i < day->class_count; i++) {
		buf_str(out, i > 0 ? ",{\"type\":\"" : "{\"type\":\"");
		buf_str(out, day->classes[i].type);
		field(out, "\",\"children\":", day->classes[i].children);
		field(out, ",\"carers\":", day->classes[i].carers);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

void sim_write_enrolment(const struct sim_world *w, const struct sim_envelope *e, const struct sim_enrolment *day,
			 struct buf *out)
{
	open_message(w, e, out);
	buf_str(out, ",\"body\":{\"as_of\":\"");
	put_day(out, day->as_of);
	buf_str(out, day->open ? "\",\"open\":true" : "\",\"open\":false");
	nullable(out, ",\"places\":", day->places);
	field(out, ",\"enrolled\":{\"under12\":", day->under12);
	field(out, ",\"m12_23\":", day->m12_23);
	field(out, ",\"m24_35\":", day->m24_35);
	field(out, ",\"over36\":", day->over36);
	field(out, "},\"mode\":{\"fullday\":", day->fullday);
	field(out, ",\"halfday\":", day->halfday);
	field(out, ",\"hourly\":", day->hourly);
	field(out, ",\"temporary\":", day->temporary);
	field(out, "},\"attended\":", day->attended);
	nullable(out, ",\"waiting\":", day->waiting);
	put_classes(day, out);
	field(out, ",\"staff\":{\"carers\":", day->carers);
	field(out, ",\"health\":", day->health);
	field(out, ",\"guards\":", day->guards);
	buf_str(out, "}}}");
}

static void put_question(int q, bool first, struct buf *out)
{
	buf_str(out, first ? "\"" : ",\"");
	buf_str(out, sim_survey_questions[q]);
}

static void put_ballot(const struct sim_survey *survey, struct buf *out)
{
	buf_str(out, ",\"form\":\"ballot\",\"token\":\"");
	buf_str(out, survey->token);
	buf_str(out, "\",\"answers\":{");
	for (int q = 0; q < SIM_QUESTIONS; q++) {
		put_question(q, q == 0, out);
		nullable(out, "\":", survey->answers[q] > 0 ? survey->answers[q] : SIM_NOT_KNOWN);
	}
	buf_char(out, '}');
}

static void put_tally(const struct sim_survey *survey, struct buf *out)
{
	field(out, ",\"form\":\"tally\",\"invited\":", survey->invited);
	field(out, ",\"answered\":", survey->answered);
	for (int q = 0; q < SIM_QUESTIONS; q++) {
		put_question(q, false, out);
		for (int i = 0; i < 5; i++)
			field(out, i == 0 ? "\":[" : ",", survey->counts[q][i]);
		buf_char(out, ']');
	}
}

void sim_write_survey(const struct sim_world *w, const struct sim_envelope *e, const struct sim_survey *survey,
		      struct buf *out)
{
	open_message(w, e, out);
	buf_printf(out, ",\"body\":{\"round\":\"%04d%s\",\"respondent\":\"%s\"", (int)(survey->round / 2),
		   survey->round % 2 == 0 ? "H1" : "H2", survey->institution ? "institution" : "family");
	(survey->tally ? put_tally : put_ballot)(survey, out);
	buf_str(out, "}}");
}

void sim_write_retraction(const struct sim_world *w, const struct sim_envelope *e, struct buf *out)
{
	open_message(w, e, out);
	buf_char(out, '}');
}

static void put_casualties(const struct sim_incident *i, struct buf *out)
{
	nullable(out, ",\"children\":{\"dead\":", i->dead);
	nullable(out, ",\"critical\":", i->critical);
	nullable(out, ",\"serious\":", i->serious);
	nullable(out, ",\"minor\":", i->minor);
	nullable(out, ",\"missing\":", i->missing);
	nullable(out, "},\"adults\":{\"dead\":", i->adults_dead);
	nullable(out, ",\"serious\":", i->adults_serious);
	nullable(out, "},\"sick\":", i->sick);
	nullable(out, ",\"loss_yuan\":", i->loss_yuan);
}

void sim_write_incident(const struct sim_world *w, const struct sim_envelope *e, const struct sim_incident *i,
			const char *event, int64_t occurred_ms, int64_t known_ms, struct buf *out)
{
	open_message(w, e, out);
	buf_printf(out, ",\"body\":{\"event\":\"%s\",\"stage\":\"%s\",\"occurred_at\":\"", event, i->stage);
	put_time(out, occurred_ms);
	buf_str(out, "\",\"known_at\":\"");
	put_time(out, known_ms);
	buf_printf(out, "\",\"type\":\"%s\"", sim_type_names[i->type]);
	put_casualties(i, out);
	buf_printf(out, ",\"measures\":%s,\"police_at\":", i->measures ? i->measures : "null");
	put_time_or_null(out, i->police, known_ms + 2 * MINUTE_MS);
	buf_printf(out, ",\"services_stopped\":%s}}", i->services_stopped ? "true" : "false");
}
