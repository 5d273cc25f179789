/* SPDX-License-Identifier: MIT
 *
 * Ground: SHA-256, HMAC-SHA256 and random bytes. The only file that includes <openssl/…>.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE 32
#define HASH_HEX_SIZE 65

void hash_sha256(const void *p, size_t len, uint8_t ret[static HASH_SIZE]);
void hash_hmac(const uint8_t key[static HASH_SIZE], const void *p, size_t len, uint8_t ret[static HASH_SIZE]);
/* A key of any length, as others hand theirs out. */
void hash_hmac_with(const void *key, size_t key_len, const void *p, size_t len, uint8_t ret[static HASH_SIZE]);
void hash_random(void *p, size_t len);
const char *hash_hex(const uint8_t hash[static HASH_SIZE], char text[static HASH_HEX_SIZE]);
/* 64 hex digits; -EINVAL otherwise. */
int hash_from_hex(const char *text, uint8_t ret[static HASH_SIZE]);
