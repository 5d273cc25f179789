/* SPDX-License-Identifier: MIT
 *
 * Ground: what strangers and officers wrote, on its way into HTML and CSV. One escaper each; whoever prints a report's cell
 * calls these and nothing else. Input is NUL-terminated, UTF-8 or not.
 */
#pragma once

#include "buf.h"

/* Bytes of the character at text (not its end) when it has no picture, or moves or hides what stands beside it; else 0. */
size_t escape_hidden(const char *text);

/* As text between tags or in a quoted attribute. What is hidden, but for tab and line feed,
 * becomes U+FFFD: a name must read as it is stored. */
void escape_html(struct buf *out, const char *text);

/* One cell of RFC 4180, with its quotes where it needs them; the separator is the caller's. A cell that a spreadsheet
 * would take for a formula (= + - @, their full-width forms, tab, CR, LF) gets an apostrophe before it, but for plain
 * negative numbers. What is hidden becomes U+FFFD as above; CR stays. */
void escape_csv(struct buf *out, const char *text);
