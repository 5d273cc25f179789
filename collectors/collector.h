/* SPDX-License-Identifier: MIT
 *
 * Meaning: what a message is, and the table of feeds. A collector is a pure decoder (bytes → whole facts,
 * or all reasons) and an apply (facts → rows, called by the fold). Adding a feed is adding a file here and
 * one line in collectors.c. Source: CONTRACT §1.
 */
#pragma once

#include "../daemon/codes.h"
#include "../daemon/json.h"

#include <stdbool.h>
#include <stdint.h>

#define SITE_ID_SIZE 22 /* USCC (18) or USCC-NN (21), with its NUL */
#define COUNT_UNKNOWN INT64_MIN /* a null or absent number, day or instant: never 0 */
#define DEPTH_MAX 6
#define PAYLOAD_MAX (64 * 1024)
#define SEQ_MAX ((INT64_C(1) << 53) - 1)

/* Yes, no or null: for `?` booleans. */
enum trilean {
	TRI_UNKNOWN = -1,
	TRI_NO = 0,
	TRI_YES = 1,
};

/* Numbers of the words are their places in the tables of words (collectors/<feed>.c); they are stored in the
 * database, so words are only ever added at the end. */

struct registration {
	int64_t effective_on; /* day */
	char name[401];       /* ≤ 100 characters of UTF-8 */
	int facility, registrar, registration, filing, operation; /* word numbers, see registration.h */
	char filing_no[257];  /* "" = unknown */
	int64_t filed_on;     /* day or COUNT_UNKNOWN */
	int64_t places[4];    /* infant, toddler, older, mixed */
	enum trilean inclusive, disclosed;
	int64_t insured_until; /* day or COUNT_UNKNOWN */
	int64_t cctv_days, fee_fullday, fee_halfday; /* or COUNT_UNKNOWN; fees in yuan a month */
};

#define CLASSES_MAX 200
struct class_group {
	int type; /* infant, toddler, older, mixed */
	int64_t children, carers; /* or COUNT_UNKNOWN */
};

struct enrolment {
	int64_t as_of; /* day */
	bool open;
	int64_t places;      /* or COUNT_UNKNOWN */
	int64_t enrolled[4]; /* under12, m12_23, m24_35, over36 */
	int64_t mode[4];     /* fullday, halfday, hourly, temporary */
	int64_t attended, waiting;
	bool classes_known;
	int class_count;
	struct class_group classes[CLASSES_MAX];
	int64_t carers, health, guards; /* staff; or COUNT_UNKNOWN */
};

struct incident {
	char event[65];
	int stage; /* first, follow_up, final */
	int64_t occurred_at, known_at; /* ms */
	int type;
	int64_t dead, critical, serious, minor, missing; /* children; or COUNT_UNKNOWN */
	int64_t adults_dead, adults_serious;
	int64_t sick, loss_yuan;
	uint32_t measures;  /* bit = word number; measures_known says whether null */
	bool measures_known;
	int64_t police_at; /* ms or COUNT_UNKNOWN */
	enum trilean services_stopped;
};

struct survey {
	char round[7];
	int form;       /* ballot, tally */
	int respondent; /* family, institution */
	char token[17]; /* ballot */
	int64_t answers[5];  /* ballot: policy, service, safety, price, overall; 1…5 or COUNT_UNKNOWN */
	int64_t invited, answered; /* tally */
	int64_t tally[5][5]; /* tally: [question][answer - 1]; [0] = COUNT_UNKNOWN when the question is null */
};

union facts {
	struct registration registration;
	struct enrolment enrolment;
	struct incident incident;
	struct survey survey;
};

enum message_kind {
	KIND_REPORT,
	KIND_AMEND,
	KIND_RETRACT,
};

/* One message, decoded. Plain memory, no ownership inside but `findings`. */
struct message {
	/* from the topic */
	char province[3];
	char division[7];
	char site[SITE_ID_SIZE];
	/* from the envelope */
	bool identified; /* epoch and seq could be read: the message consumes its identity */
	int64_t epoch, seq;
	enum message_kind kind;
	int64_t ref_epoch, ref_seq; /* of amend and retract */
	int64_t sent_at; /* ms; COUNT_UNKNOWN when unreadable */
	struct findings findings;
	union facts facts; /* whole when findings has no error and kind is not retract */
};

struct field; /* fields.h */
struct fold; /* daemon/fold.h */
struct fold_row;
struct site;
struct store;

struct collector {
	const char *feed;
	int number; /* stored in the database; never reused */
	/* Every repeat is compared with every earlier message of its identity, a reuse is accepted as new, a seq
	 * jump is only a warning, and anything not accepted calls people (CONTRACT §1, DOMAIN §4). */
	bool never_silent;
	/* Body → facts; adds findings. received_day: local day of received_at. Pure. */
	void (*decode)(const json *body, int64_t received_day, struct message *m);
	/* Warnings that compare with what the site has registered. NULL: none. Reads only. */
	int (*warn)(struct store *s, const struct site *site, struct message *m);
	/* Facts → rows. An accepted report or amend; `voided` when a retract or amend of it came first. */
	int (*apply)(struct fold *f, const struct fold_row *row);
	/* Voids every message (epoch, seq) of the site in this feed; n and now are those of the voiding row. */
	int (*void_message)(struct fold *f, const struct site *site, int64_t epoch, int64_t seq, int64_t n, int64_t now);
	/* The table that reads this body. */
	const struct field *(*fields)(const json *body);
	/* Takes the free texts of message n out of the facts, as if they had come as ERASED_TEXT. NULL: it has none. */
	int (*forget)(struct fold *f, const struct site *site, int64_t n);
};

extern const struct collector *const collectors[];
extern const size_t collector_count;
const struct collector *collector_of(const char *feed); /* NULL when unknown */
const struct collector *collector_numbered(int number);
