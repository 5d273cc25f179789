/* SPDX-License-Identifier: MIT
 *
 * Meaning: who has sent what (CONTRACT §1, Identity). A stream is the sequence of one site's messages of one
 * feed. Its highest seq is hot state in memory with the tables `site` and `stream` as its truth; work per message
 * does not grow with the ledger: gaps are ranges, and a repeat is found by walking at most the feed's last 32
 * messages backwards along message.prev, which only suspected repeats pay for.
 *
 * Hot state inside a batch: every first change of a site after a mark is remembered (undo log), so that a
 * ROLLBACK takes the memory back to what the database says. Forgetting this loses a redelivered message as a
 * "duplicate" of a row that was rolled back (DESIGN §4.2).
 */
#pragma once

#include "../collectors/collector.h"
#include "ids.h"
#include "store.h"

#include <uthash.h>

#define FEEDS_MAX 4        /* collector numbers 1…4 */
#define RECENT_MESSAGES 32 /* of a feed are compared exactly */
#define SEQ_JUMP_MAX 10000

/* gap.since, where no time stands: such a gap is not asked for. */
#define GAP_BEFORE_FIRST (-1) /* before a site's first seq: counting starts there */
#define GAP_LOST (-2)

enum stream_flag {
	STREAM_HAS_GAPS = 1,
	STREAM_HAS_VOIDS = 2, /* look into `void` before applying */
	STREAM_HAS_JUMPS = 4, /* identities above `highest` were consumed by E_SEQ_JUMP */
};

struct stream {
	int64_t epoch; /* the highest one; lower ones are in table stream_epoch */
	int64_t first; /* counting starts here in this epoch */
	int64_t highest;
	int64_t last_n : 56; /* ledger row of the feed's last message; 0: none yet */
	uint64_t flags : 8;  /* of stream_flag; in last_n's word, because there are four streams a site */
};

struct site {
	char code[SITE_ID_SIZE]; /* key of the hash table */
	char division[7], unit[UNIT_SIZE]; /* "" until an accepted registration */
	bool dirty; /* in streams.changed */
	uint8_t changed_feeds; /* bit = feed number - 1: to be flushed */
	int64_t id;
	struct stream streams[FEEDS_MAX];
	UT_hash_handle hh;
};

struct streams {
	struct site *sites;
	int64_t next_site;
	bool sites_move; /* the official register moves a site: where one belongs is a question of the day (standing.h) */
	struct undo *undo; /* stack */
	size_t undo_count, undo_cap;
	struct site **changed; /* to be flushed */
	size_t changed_count, changed_cap;
};

int streams_load(struct store *s, struct streams *ret);
void streams_done(struct streams *t);

struct site *streams_find(const struct streams *t, const char *code);   /* NULL: never heard of */
int streams_create(struct streams *t, struct store *s, const char *code, int64_t n, struct site **ret);
/* Call before changing anything in *site. */
void streams_change(struct streams *t, struct site *site);
/* Also where nothing is consumed: of a replayed amend the original was. */
void streams_flag(struct streams *t, struct site *site, const struct collector *c, enum stream_flag flag);

/* What the door wants to know of a (site, feed, epoch, seq). */
enum sighting {
	SIGHT_NEW,
	SIGHT_SEEN,     /* compare with the rows found */
	SIGHT_LONG_AGO, /* seen, too long ago to compare: taken for a duplicate, unchecked */
};
struct sighted {
	enum sighting sighting;
	bool jump;       /* > SEQ_JUMP_MAX above the highest */
	int64_t rows[RECENT_MESSAGES]; /* ledger rows of this identity, newest first */
	size_t count;
};
int streams_sight(struct store *s, const struct site *site, const struct collector *c, int64_t epoch, int64_t seq,
		  struct sighted *ret);
/* The message becomes row n: moves highest, gaps and the chain of messages. */
int streams_consume(struct streams *t, struct store *s, struct site *site, const struct collector *c, int64_t epoch,
		    int64_t seq, int64_t n, int64_t received_at, bool jump_refused);
/* The gaps within first…last are asked for no more (act/gap/lost). A late message still fills them. */
int streams_lose(struct store *s, const struct site *site, const struct collector *c, int64_t epoch, int64_t first,
		 int64_t last);
/* highest seen + 1 of the highest epoch; 1 when nothing was seen. */
int64_t streams_next_seq(const struct site *site, const struct collector *c);

/* Writes changed sites' streams to the tables; call before COMMIT. */
int streams_flush(struct streams *t, struct store *s);
size_t streams_mark(const struct streams *t);
void streams_undo(struct streams *t, size_t mark);  /* memory back to the mark; 0: to the last commit */
void streams_commit(struct streams *t);
