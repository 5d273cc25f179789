/* SPDX-License-Identifier: MIT */
#include "codes.h"

#include "err.h"

#include <string.h>

#define CODE(code_name, zh_text, en_text, fix_text)                                                         \
	[code_name] = { .name = #code_name, .error = #code_name[0] == 'E', .zh = zh_text, .en = en_text,     \
			.fix = fix_text }

const struct code_text code_texts[CODE_COUNT] = {
	CODE(E_VERSION, "协议版本不是 1", "the protocol version is not 1", "set v to 1"),
	CODE(E_TOPIC_MISMATCH, "报文中的机构或区划与主题不一致", "site or division differs from the topic",
	     "send the site and division that stand in the topic, under that province"),
	CODE(E_SITE_ID, "机构代码无效：应为统一社会信用代码（校验位正确），一照多点的加 -01 至 -99",
	     "the site id is not a valid unified social credit code, optionally with -01 to -99",
	     "copy the 18 characters from the licence; use them in topic and message alike"),
	CODE(E_DIVISION, "行政区划代码无效：应为机构所在县（市、区）的 6 位代码",
	     "the division is not a 6-digit county-level code", "use the code of the county or district where the nursery stands"),
	CODE(E_FEED, "没有这个上报类别", "there is no such feed",
	     "publish under up/registration, up/enrolment, up/incident or up/survey"),
	CODE(E_TOO_LARGE, "报文超过 64 KiB", "the payload is larger than 64 KiB",
	     "send less in one message; no files or pictures"),
	CODE(E_JSON, "报文不是合法的 JSON", "the payload is not acceptable JSON",
	     "send one JSON object: UTF-8 without BOM, no duplicate keys, no \\u0000, at most 6 levels"),
	CODE(E_TYPE, "字段类型不对", "the field has the wrong type",
	     "send the type named in want; counts are whole numbers without fraction or exponent, unquoted"),
	CODE(E_MISSING, "缺少必填字段", "a required field is missing", "add the field"),
	CODE(E_RANGE, "数值或长度超出范围", "the value or its length is out of range", "send a value within want"),
	CODE(E_FORMAT, "字段格式不对", "the field has the wrong form", "write the field in the form named in want"),
	CODE(E_ENUM, "取值不在允许的列表中", "the value is not in the list", "use one of the words in want"),
	CODE(E_UNKNOWN_FIELD, "有未定义的文字、列表或对象字段，可能涉及幼儿信息，不予接收",
	     "an unknown text, list or object is not taken: it might speak of a child", "remove the field"),
	CODE(E_REF, "引用的原报文序号必须小于本报文", "ref must be lower than the message's own epoch and seq",
	     "let ref name the earlier message that is to be voided"),
	CODE(E_TIME_FUTURE, "发送时间比接收时间晚 24 小时以上", "sent_at is more than 24 h ahead of our clock",
	     "set the sender's clock and its time zone, then send again with the next seq"),
	CODE(E_TIME_RANGE, "日期不在可上报的范围内", "the day is outside the range that may be reported",
	     "report a day from 400 days ago to tomorrow"),
	CODE(E_SUM_MISMATCH, "人数合计不一致", "the sums do not agree",
	     "correct the figures and send again with the next seq"),
	CODE(E_SEQ_REUSED, "该序号已用于另一份内容不同的报文", "this seq was already used for a different message",
	     "send it with next_seq; raise the epoch when the counter was lost"),
	CODE(E_SEQ_JUMP, "序号比已收到的最大序号跳过一万以上",
	     "seq is more than 10,000 above the highest one received",
	     "continue with next_seq; raise the epoch when the counter was lost"),
	CODE(E_RATE, "发送过于频繁", "too many messages in a short time",
	     "wait, then send the same message again; send changes only once"),
	CODE(E_PII, "报文含有个人信息，已拒收且不保存", "personal data: the message was refused and is not kept",
	     "remove the personal data, send the rest with the next seq, and check where it came from"),
	CODE(E_FAULT, "系统故障，报文已留存，由我们处理", "a fault on our side; the message is kept and looked at",
	     "nothing to do: do not send it again"),
	CODE(W_DIVISION, "行政区划代码未收录，或与机构登记的区划不同",
	     "the division is not in our table, or not the one the site belongs to",
	     "check the 6-digit code; after a move, ask the county health office to change the register"),
	CODE(W_CLOCK, "发送时间比接收时间快 5 分钟以上", "sent_at is more than 5 min ahead of our clock",
	     "set the sender's clock by a time server and check its time zone"),
	CODE(W_UNKNOWN_FIELD, "有未定义的字段，已忽略", "an unknown field was ignored",
	     "check the spelling, or leave the field out"),
	CODE(W_ENUM, "取值不在列表中，已按“其他”处理", "the value is not in the list and is taken as other",
	     "use one of the words in want"),
	CODE(W_SEQ_JUMP, "事件报文的序号跳过一万以上，已照常接收",
	     "seq is more than 10,000 above the highest one; the incident is accepted all the same",
	     "continue with next_seq; raise the epoch when the counter was lost"),
	CODE(W_SEQ_REUSED, "该序号已用过，事件报文已作为新报文接收",
	     "this seq was already used; the incident is accepted as a new message", "continue with next_seq"),
	CODE(W_OVER_CAPACITY, "在托人数超过托位数", "more children are enrolled than there are places",
	     "check both figures; if they are right, enrolment must come down to the places"),
	CODE(W_PLACES_EXCEED_REGISTERED, "上报托位数超过登记托位数", "more places are reported than registered",
	     "correct the places, or send a new registration"),
	CODE(W_GROUP_SIZE, "班级人数超过规定：乳儿班 10 人、托小班 15 人、托大班 20 人、混合班 18 人",
	     "a class is larger than allowed: infant 10, toddler 15, older 20, mixed 18",
	     "check the figure; if it is right, divide the class"),
	CODE(W_CARER_RATIO, "保育人员配备不足：乳儿班 1:3、托小班 1:5、托大班 1:7、混合班 1:5",
	     "a class has too few carers: infant 1:3, toddler 1:5, older 1:7, mixed 1:5",
	     "check the figure; if it is right, add carers to the class"),
	CODE(W_TIME_RANGE, "时间先后不合理：发生时间不应晚于知悉时间，知悉时间不应晚于发送时间",
	     "the times are out of order: occurred_at, then known_at, then sent_at",
	     "check the three times and their zone; amend the message if one is wrong"),
};

int code_of(const char *name)
{
	for (int code = 0; code < CODE_COUNT; code++)
		if (strcmp(code_texts[code].name, name) == 0)
			return code;
	return -1;
}

static void finding_done(struct finding *finding)
{
	free(finding->path);
	free(finding->got);
	free(finding->want);
}

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		finding_done(&f->items[i]);
	free(f->items);
	*f = (struct findings){ 0 };
}

/* At most GOT_MAX characters; never cuts a character of UTF-8 in two. */
static char *cut_text(const char *text)
{
	size_t len = 0, characters = 0;
	char *cut;

	if (!text)
		return NULL;
	for (; text[len]; len++)
		if (((unsigned char)text[len] & 0xc0) != 0x80 && ++characters > GOT_MAX)
			break;
	cut = xrealloc(NULL, len + 1);
	memcpy(cut, text, len);
	cut[len] = '\0';
	return cut;
}

/* What must be told first: personal data, then errors. A flood of lesser findings must not hide them. */
static int weight(enum code code)
{
	return code == E_PII ? 2 : code_texts[code].error ? 1 : 0;
}

/* Room for one more; when full, the last lesser finding gives way. NULL: this one is not told. */
static struct finding *place_for(struct findings *f, enum code code)
{
	if (f->count < FINDINGS_MAX) {
		f->items = xgrow(f->items, f->count, &f->cap, sizeof *f->items);
		return &f->items[f->count++];
	}
	for (size_t i = f->count; i-- > 0;) {
		if (weight(f->items[i].code) < weight(code)) {
			f->errors -= code_texts[f->items[i].code].error;
			finding_done(&f->items[i]);
			return &f->items[i];
		}
	}
	return NULL;
}

void findings_add_text(struct findings *f, enum code code, const char *path, const char *got, const char *want,
		       const char *zh, const char *en, const char *fix)
{
	struct finding *finding = place_for(f, code);

	if (!finding)
		return;
	f->errors += code_texts[code].error;
	*finding = (struct finding){
		.code = code,
		.path = xstrdup(path),
		.got = cut_text(got),
		.want = want ? xstrdup(want) : NULL,
		.zh = zh,
		.en = en,
		.fix = fix,
	};
}

void findings_add(struct findings *f, enum code code, const char *path, const char *got, const char *want)
{
	const struct code_text *text = &code_texts[code];

	findings_add_text(f, code, path, got, want, text->zh, text->en, text->fix);
}

bool findings_has(const struct findings *f, enum code code)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].code == code)
			return true;
	return false;
}

void findings_keep_pii(struct findings *f)
{
	size_t kept = 0;

	if (!findings_has(f, E_PII))
		return;
	for (size_t i = 0; i < f->count; i++) {
		if (f->items[i].code == E_PII)
			f->items[kept++] = f->items[i];
		else
			finding_done(&f->items[i]);
	}
	f->count = f->errors = kept;
}
