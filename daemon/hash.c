/* SPDX-License-Identifier: MIT */
#include "hash.h"

#include "err.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>

/* Fetching SHA-256 by name costs more than hashing 300 bytes with it (OpenSSL 3), so it is fetched once. */
static EVP_MD *sha256;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

/* One context a thread, freed with it. */
static pthread_key_t context_key;

static void free_context(void *context)
{
	EVP_MD_CTX_free(context);
}

static void free_main_context(void)
{
	free_context(pthread_getspecific(context_key));
	pthread_setspecific(context_key, NULL);
}

static void fetch_sha256(void)
{
	if (pthread_key_create(&context_key, free_context) != 0 || atexit(free_main_context) != 0)
		die_oom();
	sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	if (!sha256)
		die_oom();
}

void hash_sha256(const void *p, size_t len, uint8_t ret[static HASH_SIZE])
{
	EVP_MD_CTX *context;

	pthread_once(&fetched, fetch_sha256);
	context = pthread_getspecific(context_key);
	if (!context) {
		context = EVP_MD_CTX_new();
		if (!context)
			die_oom();
		pthread_setspecific(context_key, context);
	}
	if (EVP_DigestInit_ex2(context, sha256, NULL) != 1 || EVP_DigestUpdate(context, p, len) != 1 ||
	    EVP_DigestFinal_ex(context, ret, NULL) != 1)
		die_oom();
}

void hash_hmac_with(const void *key, size_t key_len, const void *p, size_t len, uint8_t ret[static HASH_SIZE])
{
	unsigned int size = HASH_SIZE;

	pthread_once(&fetched, fetch_sha256);
	if (!HMAC(sha256, key, (int)key_len, p, len, ret, &size))
		die_oom();
}

void hash_hmac(const uint8_t key[static HASH_SIZE], const void *p, size_t len, uint8_t ret[static HASH_SIZE])
{
	hash_hmac_with(key, HASH_SIZE, p, len, ret);
}

void hash_random(void *p, size_t len)
{
	if (RAND_bytes(p, (int)len) != 1)
		die_oom();
}

const char *hash_hex(const uint8_t hash[static HASH_SIZE], char text[static HASH_HEX_SIZE])
{
	for (size_t i = 0; i < HASH_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	return text;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hash_from_hex(const char *text, uint8_t ret[static HASH_SIZE])
{
	if (strlen(text) != HASH_HEX_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; i < HASH_SIZE; i++) {
		int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
