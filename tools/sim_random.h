/* SPDX-License-Identifier: MIT
 *
 * Simulator: chance that can be repeated. splitmix64 (Steele, Lea, Flood 2014): one addition and a mixer.
 * Most values of the world are not drawn in a row but hashed from (seed, site, day), so that what a nursery
 * reports on a day is the same in every scenario and in every order.
 */
#pragma once

#include <stdint.h>

struct sim_random {
	uint64_t state;
};

static inline uint64_t sim_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint64_t sim_random_next(struct sim_random *r)
{
	r->state += UINT64_C(0x9e3779b97f4a7c15);
	return sim_mix(r->state);
}

/* 0 … bound−1; the bias is below 2^-32 for the bounds used here. */
static inline uint32_t sim_random_below(struct sim_random *r, uint32_t bound)
{
	return (uint32_t)(((sim_random_next(r) >> 32) * bound) >> 32);
}

/* min … max, both possible */
static inline int sim_random_between(struct sim_random *r, int min, int max)
{
	return min + (int)sim_random_below(r, (uint32_t)(max - min + 1));
}

static inline struct sim_random sim_random_of(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t x = sim_mix(seed + UINT64_C(0x9e3779b97f4a7c15));

	x = sim_mix(x ^ (a * UINT64_C(0xff51afd7ed558ccd) + 1));
	return (struct sim_random){ sim_mix(x ^ (b * UINT64_C(0xc4ceb9fe1a85ec53) + 1)) };
}
