/* SPDX-License-Identifier: MIT
 *
 * The verbs: a row each. What a verb does stands in ctl_VERB.c; lists in ctl_lists.c, acts on rows in ctl_rows.c.
 */
#include "ctl.h"

const struct verb verbs[] = {
	{ "status", "", "is the daemon ready, how far is the ledger", 0, 0, ctl_status },
	{ "units", "[--province 33]", "cities with their headline indicators", 0, 0, ctl_units },
	{ "unit", "CODE", "one city with all indicators, targets and its province", 1, 1, ctl_unit },
	{ "site", "SITE [move DIVISION --from DAY --reason TEXT [--document NO]]",
	  "one nursery and where it belongs; move: to another division, from a day on", 1, 3, ctl_site },
	{ "alerts", "[--state open|all]", "what is called to somebody's attention", 0, 0, ctl_alerts },
	{ "brief", "ALERT|CASE", "what a person who is called must know: one line for a text message, then all that is known", 1, 1, ctl_brief },
	{ "ack", "ID [--reason TEXT]", "an alert or a case: somebody has seen it", 1, 1, ctl_ack },
	{ "case", "[list] [--state open|all|…] | [show] ID | open UNIT GROUND --reason TEXT | ACT ID [key=value …] [--reason TEXT] [--document NO]",
	  "the procedure of Article 6; the acts and their keys: docs/cases.md", 0, CTL_ARGS_MAX, ctl_case },
	{ "signal", "UNIT [RULE] --source WORD --reason TEXT [--document NO] [--site SITE [--event EVENT]]",
	  "raise an alert of what was heard from elsewhere (press, hotline_12345, inspection, other); RULE: art5-2-other if none is named,"
	  " art5-2-falsification (a hard integrity flag), suspected-concealment (with --site, --event)", 1, 2, ctl_signal },
	{ "report", "case ID | annual --year 2026 --province 33 | recommend --cycle 2027-2028 --province 33 [--csv] [-o FILE]",
	  "one HTML file, or CSV: a case from incident to decision, a province's year, whom it may recommend (docs/reports.md)", 1, 2,
	  ctl_report },
	{ "worklist", "[--unit CODE] [--kind KIND]", "what to look after and is no alert: silent nurseries, breaches, gaps, rejected messages", 0, 0,
	  ctl_worklist },
	{ "messages", "[--outcome O] [--site S] [--feed F] [--limit N] [--after N]", "rows of the ledger", 0, 0, ctl_messages },
	{ "imports", "", "imported reference data", 0, 0, ctl_imports },
	{ "import", "KIND FILE.csv", "import reference data, all or nothing", 2, 2, ctl_import },
	{ "lint", "FEED FILE… [--at TIME]", "the receipt each payload would get, offline; - is stdin; --json: a receipt a line; --at: as if received then", 2, CTL_ARGS_MAX,
	  ctl_lint },
	{ "replay", "N", "judge row N again as a new row; exit 1: the verdict is still no", 1, 1, ctl_replay },
	{ "erase", "N --reason TEXT", "take the texts of message N out of ledger and tables, for good; the chain holds", 1, 1, ctl_erase },
	{ "influx", "refill", "send every point again, to an InfluxDB that was emptied", 1, 1, ctl_influx },
	{ "backup", "FILE", "a checked copy of the database, made while the daemon works", 1, 1, ctl_backup },
	{ "verify", "[--head N:HASH]", "the chain, the folded tables, and a head that someone kept", 0, 0, ctl_verify },
	{ "rebuild", "[--rejudge]",
	  "fold the ledger again and replace the tables that differ; --rejudge: judge every message again into FILE.rejudged", 0, 0,
	  ctl_rebuild },
};
const size_t verb_count = ARRAY_SIZE(verbs);
