/* SPDX-License-Identifier: MIT */
#include "decode.h"

FUZZ_DECODER("enrolment")
