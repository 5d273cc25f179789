/* SPDX-License-Identifier: MIT */
#include "log_ids.h"

#include "err.h"

/* An id is drawn once (systemd-id128 new) and never used for anything else. */
const struct log_id log_ids[] = {
	{ "store.failed", "9a2b3d5dffc546358ece639db1303541" },
	{ "mqtt.unreachable", "51e11f918290409cacbcf12ebfd98f83" },
	{ "mqtt.lost", "aa248daabe374ca5a84b120a1555dd0e" },
	{ "mqtt.taken_over", "a7a135514977409682bb6cf69f787d4f" },
	{ "mqtt.refused", "6a2ca531cc2f4d95a3b60ad6503270ee" },
	{ "mqtt.subscribe_refused", "9456ffa3b5644505bb376e843e06e9f7" },
	{ "mqtt.password_unreadable", "1787230e739a4152bb1c21881fc30604" },
	{ "clock.refused", "b6ee12804a0843f48b948738cee274eb" },
	{ "clock.wrong", "0fefd38232f24f41afde8b7c886e6046" },
	{ "influx.held", "c7d1a0b5f3b94a0f9a5e62b1d8c40e77" },
	{ "page.not_delivered", "4f0c6a1e8b7d4a2f9d3be5c07a16d294" },
	{ "page.given_up", "b8d25e7390f14c6ca1e4730d5f9c2b68" },
	{ "message.fault", "251ed9f14da944478d0034d815e08f08" },
	{ "due.fault", "aad9ea3c1a0140439c8caa76516f6f42" },
	{ "alert.incident_unreadable", "32166685850d4cb4b0b094dc0e94fb7c" },
	{ "alert.revocation", "5aa08459f1a3408882a6ee4fc121cecd" },
	{ "alert.raised", "a6ac2bd8b2e64976b727571bc3165efa" },
	{ "ledger.broken", "0c6867c61ac34b8d827d974461013d67" },
	{ "store.in_use", "38cb28d71e6c46e196cb6336bef95bae" },
	{ "store.newer", "958ca2bf28fc4fa4adb1ffbacabf698d" },
	{ "store.reserve_low", "314d6f6501bb4aa484000801e311f73f" },
	{ "policy.refused", "e3c5d8dbccfb4f7783878a9d8bde7213" },
	{ "reload.refused", "1828f9bd79894d14b63abdc2224c2a4e" },
	{ "http.failed", "be40ec12551d450ba2314580ff972937" },
};
const size_t log_id_count = ARRAY_SIZE(log_ids);

const char *log_id_of(const char *event)
{
	for (size_t i = 0; i < log_id_count; i++)
		if (strcmp(log_ids[i].event, event) == 0)
			return log_ids[i].message_id;
	return NULL;
}
