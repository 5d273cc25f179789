/* SPDX-License-Identifier: MIT
 *
 * Meaning: the words of the registration feed. Their numbers are stored: add at the end only. The word tables end
 * with NULL.
 */
#pragma once

#include "collector.h"

enum facility {
	FACILITY_NURSERY,
	FACILITY_KINDERGARTEN_CLASS,
	FACILITY_WORKPLACE,
	FACILITY_COMMUNITY,
	FACILITY_FAMILY_POINT,
	FACILITY_CENTRE,
	FACILITY_COUNT,
};

enum registrar {
	REGISTRAR_MARKET,
	REGISTRAR_CIVIL,
	REGISTRAR_ESTABLISHMENT,
	REGISTRAR_COUNT,
};

enum registration_state {
	REGISTRATION_REGISTERED,
	REGISTRATION_CANCELLED,
	REGISTRATION_COUNT,
};

enum filing {
	FILING_NONE,
	FILING_SUBMITTED,
	FILING_FILED,
	FILING_DEFECTS,
	FILING_CHANGE_PENDING,
	FILING_WITHDRAWN,
	FILING_CANCELLED,
	FILING_LICENSED,
	FILING_LICENCE_SUSPENDED,
	FILING_LICENCE_REVOKED,
	FILING_COUNT,
};

enum operation {
	OPERATION_PREPARING,
	OPERATION_OPERATING,
	OPERATION_SUSPENDED,
	OPERATION_CLOSED,
	OPERATION_COUNT,
};

extern const char *const facility_words[FACILITY_COUNT + 1];
extern const char *const registrar_words[REGISTRAR_COUNT + 1];
extern const char *const registration_words[REGISTRATION_COUNT + 1];
extern const char *const filing_words[FILING_COUNT + 1];
extern const char *const operation_words[OPERATION_COUNT + 1];

extern const struct collector collector_registration;
