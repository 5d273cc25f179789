/* SPDX-License-Identifier: MIT */
#include "csv.h"

/* Reads one field at r->p, NUL-terminates it in place, and returns the character that ended it. */
static int read_field(struct csv_reader *r, char **ret, bool *broken)
{
	char *to = r->p;
	int stop;
	bool quoted = r->p < r->end && *r->p == '"';

	*ret = to;
	if (quoted)
		r->p++;
	for (; r->p < r->end; r->p++) {
		if (quoted && *r->p == '"') {
			if (r->p + 1 < r->end && r->p[1] == '"')
				r->p++;
			else {
				quoted = false;
				continue;
			}
		} else if (!quoted && (*r->p == ',' || *r->p == '\n')) {
			break;
		}
		r->line += *r->p == '\n';
		*to++ = *r->p;
	}
	stop = r->p < r->end ? *r->p++ : '\n';
	if (stop == '\n' && to > *ret && to[-1] == '\r')
		to--;
	*to = '\0';
	*broken = *broken || quoted;
	return stop;
}

bool csv_read_record(struct csv_reader *r, struct csv_record *ret)
{
	int stop = ',';
	char *field;

	if (r->p >= r->end)
		return false;
	*ret = (struct csv_record){ .line = r->line };
	while (stop == ',') {
		stop = read_field(r, &field, &ret->broken);
		if (ret->count < CSV_FIELDS_MAX)
			ret->fields[ret->count++] = field;
	}
	r->line++;
	return true;
}

bool csv_is_blank(const struct csv_record *c)
{
	return c->count == 1 && c->fields[0][0] == '\0';
}
