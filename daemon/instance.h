/* SPDX-License-Identifier: MIT
 *
 * Ports: the few values that belong to this installation and not to the ledger (table `instance`): the key of the
 * fingerprints, the client id, the topics once subscribed to.
 */
#pragma once

#include "buf.h"
#include "store.h"

/* Appends the value to ret. 1 found, 0 there is none. */
int instance_get(struct store *s, const char *name, struct buf *ret);
int instance_set(struct store *s, const char *name, const void *value, size_t len);
