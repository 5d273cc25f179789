/* SPDX-License-Identifier: MIT
 *
 * Configuration: whatever is wrong in a file is named with its line and key; what is right arrives whole.
 * Run from the top of the tree (it reads config/).
 */
#include "../../daemon/clock.h"
#include "../../daemon/config.h"
#include "../../daemon/err.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

static char dir[] = "/tmp/nurseryd-test-config-XXXXXX";

static void write_file(const char *name, const char *text, size_t len)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static const char *in_dir(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static int load_text(const char *text, struct config **ret, struct buf *errors)
{
	*ret = NULL;
	write_file("t.conf", text, strlen(text));
	return config_load(in_dir("t.conf"), ret, errors);
}

static struct config *load_good(const char *text)
{
	struct config *c;
	struct buf errors = { 0 };

	if (load_text(text, &c, &errors) < 0)
		fail_msg("%s", errors.p);
	assert_int_equal(errors.len, 0);
	buf_done(&errors);
	return c;
}

static int prepare(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	write_file("policy.conf", "", 0);
	return 0;
}

static int clear(void **state)
{
	static const char *const names[] = { "t.conf", "p.conf", "open", "closed", "policy.conf", "secret", "creds/pw", "creds", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		remove(in_dir(names[i]));
	return 0;
}

struct bad {
	const char *text;
	const char *says[5]; /* each stands in the errors */
};

static const struct bad bad_files[] = {
	/* unknown keys */
	{ "instanse = \"x\";", { ":1: instanse: unknown key; did you mean instance?" } },
	{ "\nmqtt: { sandbx = true; };", { ":2: mqtt.sandbx: unknown key; did you mean mqtt.sandbox?" } },
	{ "mqtt: {\n\n SANDBOX = true; };", { ":3: mqtt.SANDBOX: unknown key; did you mean mqtt.sandbox?" } },
	{ "listen = \"1\";", { ":1: listen: unknown key; did you mean http.listen?" } },
	{ "mqtt: { port = 1; };", { ":1: mqtt.port: unknown key; here may stand url, client_id, protocol, subscribe" } },
	{ "xyzzy = 1;", { ":1: xyzzy: unknown key; here may stand instance, policy, store, mqtt, http, influx, indicators" } },
	{ "mqqt: { };", { ":1: mqqt: unknown key" } },
	{ "log: { level: { a = 1; }; };", { ":1: log.level: found a group { … }, wanted one of" } },
	/* wrong types */
	{ "mqtt: { url = 5; };", { ":1: mqtt.url: found 5, wanted a text in quotes: mqtt://host:port" } },
	{ "mqtt: { username = 1883.9; };", { ":1: mqtt.username: found the fraction 1883.9, wanted a text" } },
	{ "mqtt: { protocol = 5; };", { ":1: mqtt.protocol: found 5, wanted one of \"3.1.1\", \"5\"" } },
	{ "mqtt: { sandbox = \"true\"; };", { ":1: mqtt.sandbox: found \"true\", wanted true or false" } },
	{ "mqtt: { sandbox = 1; };", { ":1: mqtt.sandbox: found 1, wanted true or false" } },
	{ "mqtt: { subscribe = \"a\"; };", { ":1: mqtt.subscribe: found \"a\", wanted an array" } },
	{ "mqtt: { subscribe = ( \"a\" ); };", { ":1: mqtt.subscribe: found a list ( … ), wanted an array" } },
	{ "mqtt: { subscribe = [ 1, 2 ]; };", { ":1: mqtt.subscribe: found [ 1, 2 ], wanted an array" } },
	{ "http = \"x\";", { ":1: http: found a single value, wanted a group { … }" } },
	{ "store: { path = { a = 1; }; };", { ":1: store.path: found a group { … }, wanted a file name" } },
	{ "instance = true;", { ":1: instance: found true, wanted a text" } },
	/* integers that libconfig 1.5 would cut to 32 bits, or to 64 */
	{ "instance = 99999999999;", { ":1: instance: found 99999999999, wanted" } },
	{ "instance = -99999999999;", { ":1: instance: found -99999999999, wanted" } },
	{ "instance = 0xFFFFFFFFFF;", { ":1: instance: found 0xFFFFFFFFFF, wanted" } },
	{ "instance = 99999999999999999999999;", { ":1: instance: found 99999999999999999999999, wanted" } },
	{ "instance = 99999999999999999999999L;", { ":1: instance: found 99999999999999999999999L, wanted" } },
	/* out of range, wrong form */
	{ "indicators: { every = \"0s\"; };", { ":1: indicators.every: found \"0s\", wanted a duration", "from \"50ms\" to \"1d\"" } },
	{ "indicators: { every = \"2d\"; };", { ":1: indicators.every: found \"2d\"" } },
	{ "indicators: { every = \"10\"; };", { ":1: indicators.every: found \"10\"" } },
	{ "indicators: { every = \" 10s\"; };", { "indicators.every" } },
	{ "indicators: { every = \"-10s\"; };", { "indicators.every" } },
	{ "indicators: { every = \"10s \"; };", { "indicators.every" } },
	{ "indicators: { every = \"1.5s\"; };", { "indicators.every" } },
	{ "indicators: { every = \"9999999999999s\"; };", { "indicators.every" } },
	{ "indicators: { every = \"\"; };", { "indicators.every" } },
	{ "limits: { per_site = \"120\"; };", { ":1: limits.per_site: found \"120\", wanted a rate" } },
	{ "limits: { per_site = \"0/min\"; };", { "limits.per_site" } },
	{ "limits: { per_site = \"120/fortnight\"; };", { "limits.per_site" } },
	{ "mqtt: { url = \"127.0.0.1:1883\"; };", { ":1: mqtt.url: found \"127.0.0.1:1883\", wanted" } },
	{ "mqtt: { url = \"http://127.0.0.1:1883\"; };", { "mqtt.url" } },
	{ "mqtt: { url = \"mqtt://h:0\"; };", { "mqtt.url" } },
	{ "mqtt: { url = \"mqtt://h:65536\"; };", { "mqtt.url" } },
	{ "mqtt: { url = \"mqtt://h:99999999999\"; };", { "mqtt.url" } },
	{ "mqtt: { url = \"mqtt://h:1883/x\"; };", { "mqtt.url" } },
	{ "mqtt: { url = \"mqtt://\"; };", { "mqtt.url" } },
	{ "mqtt: { url = \"mqtt://[::1\"; };", { "mqtt.url" } },
	{ "mqtt: { url = \"mqtt://user:pw@h\"; };", { "mqtt.url" } },
	{ "http: { listen = \"127.0.0.1\"; };", { ":1: http.listen: found \"127.0.0.1\", wanted" } },
	{ "http: { listen = \":8640\"; };", { "http.listen" } },
	{ "http: { listen = \"127.0.0.1:65536\"; };", { "http.listen" } },
	{ "store: { reserve = \"256MB\"; };", { ":1: store.reserve: found \"256MB\", wanted a size in quotes" } },
	{ "store: { reserve = 256; };", { ":1: store.reserve: found 256, wanted" } },
	{ "store: { reserve = \"2000GiB\"; };", { "store.reserve" } },
	{ "influx: { url = \"127.0.0.1:8086\"; };", { ":1: influx.url: " } },
	{ "influx: { api = \"v3\"; };", { ":1: influx.api: found \"v3\", wanted one of \"v1\", \"v2\"" } },
	{ "log: { level = \"loud\"; };", { ":1: log.level: found \"loud\"" } },
	{ "log: { level = \"info|warning\"; };", { "log.level" } },
	{ "log: { level = \"\"; };", { "log.level" } },
	{ "instance = \"\";", { "instance: found \"\"" } },
	{ "instance = \"a b\";", { "instance" } },
	{ "mqtt: { subscribe = [ ]; };", { "mqtt.subscribe: found [ ]" } },
	{ "mqtt: { subscribe = [ \"a/#/b\" ]; };", { "mqtt.subscribe" } },
	{ "mqtt: { subscribe = [ \"a+/b\" ]; };", { "mqtt.subscribe" } },
	{ "mqtt: { subscribe = [ \"$share/g/a\" ]; };", { "mqtt.subscribe" } },
	{ "mqtt: { subscribe = [ \"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\","
	  "\"15\",\"16\",\"17\" ]; };", { "mqtt.subscribe: found [ \"1\"", "1 to 16" } },
	/* what does not go together */
	{ "mqtt: { cert_file = \"c\"; url = \"mqtts://h\"; };", { ":1: mqtt.cert_file: " } },
	{ "mqtt: {\n ca_file = \"c\";\n url = \"mqtt://h\"; };", { ":3: mqtt.url: ca_file" } },
	{ "mqtt: { password_file = \"p\"; };", { ":1: mqtt.password_file: a password needs" } },
	{ "influx: { url = \"http://h\"; api = \"v2\"; };", { ":1: influx.api: " } },
	{ "http: { listen = \"\"; socket = \"\"; };", { ":1: http.listen: " } },
	{ "\npolicy = \"missing.conf\";", { ":2: policy: ", "missing.conf\": the policy file does not exist" } },
	{ "policy = \"\";", { ":1: policy: " } },
	/* the text */
	{ "instance = \"a\"\nmqtt = ;\n", { ":2: syntax error" } },
	{ "instance = \"a\";\ninstance = \"b\";\n", { ":2: duplicate setting name" } },
	{ "instance = main;", { ":1: syntax error" } },
	{ "log: { level = \"info\";", { "syntax error" } },
	{ "@include \"policy.conf\"\n", { ":1: @include is not supported" } },
	/* all errors, also those in front of a syntax error */
	{ "instanse = 1;\nmqtt: { url = 5;\n sandbox = 3; };\nlimits: { per_site = \"x\"; };\n",
	  { ":1: instanse", ":2: mqtt.url", ":3: mqtt.sandbox", ":4: limits.per_site" } },
	{ "instanse = 1;\nmqtt: { url = 5; };\nlog = {{\n", { ":1: instanse", ":2: mqtt.url", ":3: syntax error" } },
};

static void whatever_is_wrong_is_named_with_its_line_and_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_files); i++) {
		struct config *c;
		struct buf errors = { 0 };
		int r = load_text(bad_files[i].text, &c, &errors);

		if (r != -EINVAL || c)
			fail_msg("taken: %s", bad_files[i].text);
		assert_int_equal(errors.p[errors.len - 1], '\n');
		for (size_t k = 0; bad_files[i].says[k]; k++)
			if (!strstr(errors.p, bad_files[i].says[k]))
				fail_msg("%s\nsays: %snot: %s", bad_files[i].text, errors.p, bad_files[i].says[k]);
		assert_non_null(strstr(errors.p, in_dir("t.conf")));
		buf_done(&errors);
	}
}

static void one_mistake_is_one_line(void **state)
{
	static const char *const texts[] = { "xyzzy = 1;", "mqtt: { url = 99999999999; };", "log: { level = \"x\"; };" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct config *c;
		struct buf errors = { 0 };

		load_text(texts[i], &c, &errors);
		assert_ptr_equal(strchr(errors.p, '\n'), errors.p + errors.len - 1);
		buf_done(&errors);
	}
}

static void numbers_in_comments_and_texts_are_left_alone(void **state)
{
	static const char text[] =
		"# 99999999999\n// 99999999999 \"\n/* 99999999999 \" */ instance = \"a99999999999\" /* x */;\n"
		"mqtt: { client_id = \"7\" \"99999999999\"; username = \"\\\"9999999999\"; };";
	struct config *c = load_good(text);

	(void)state;
	assert_string_equal(c->instance, "a99999999999");
	assert_string_equal(c->mqtt.client_id, "799999999999");
	assert_string_equal(c->mqtt.username, "\"9999999999");
	config_free(c);
}

static void a_nul_byte_does_not_hide_the_rest(void **state)
{
	struct config *c = NULL;
	struct buf errors = { 0 };

	(void)state;
	write_file("t.conf", "instance = \"a\";\n\0oops", 21);
	assert_int_equal(config_load(in_dir("t.conf"), &c, &errors), -EINVAL);
	assert_non_null(strstr(errors.p, ":2: found a NUL byte"));
	buf_done(&errors);
}

static void a_misplaced_secret_is_not_repeated(void **state)
{
	struct config *c;
	struct buf errors = { 0 };

	(void)state;
	load_text("mqtt: { password = \"hunter2\"; password_file = 4711; };", &c, &errors);
	assert_null(strstr(errors.p, "hunter2"));
	assert_null(strstr(errors.p, "4711"));
	buf_done(&errors);
}

static void a_file_that_does_not_exist_is_an_error(void **state)
{
	struct config *c = NULL;
	struct buf errors = { 0 };

	(void)state;
	assert_int_equal(config_load(in_dir("nothing.conf"), &c, &errors), -ENOENT);
	assert_int_equal(config_load("/nowhere/nothing.conf", &c, &errors), -ENOENT);
	assert_int_equal(config_load(dir, &c, &errors), -EISDIR);
	assert_null(c);
	assert_non_null(strstr(errors.p, "nothing.conf: the configuration cannot be read: No such file"));
	buf_done(&errors);
}

static const char rich[] =
	"instance = \"zj\"; store: { path = \"d/x.db\"; }; mqtt: { url = \"mqtts://[fe80::1]:8884\"; protocol = \"3.1.1\";\n"
	"subscribe = [ \"nursery/v1/33/+/+/up/+\", \"#\" ]; sandbox = false; gap_grace = \"90s\"; username = \"u\\\"\\\\\";\n"
	"password_file = \"pw\"; ca_file = \"/etc/ca.pem\"; cert_file = \"c\"; key_file = \"k\"; client_id = \"i\"; };\n"
	"http: { listen = \"[::1]:80\"; socket = \"\"; }; influx: { url = \"https://h:8086\"; api = \"v2\"; org = \"o\";\n"
	"bucket = \"b\"; token_file = \"t\"; sites = false; }; indicators: { every = \"500ms\"; };\n"
	"limits: { per_site = \"7/s\"; }; log: { level = \"debug\"; };";

static void values_arrive_typed(void **state)
{
	struct config *c = load_good(rich);

	(void)state;
	assert_string_equal(c->store.path, in_dir("d/x.db"));
	assert_string_equal(c->policy_path, in_dir("policy.conf"));
	assert_string_equal(c->mqtt.host, "fe80::1");
	assert_int_equal(c->mqtt.port, 8884);
	assert_true(c->mqtt.tls);
	assert_false(c->mqtt.protocol_v5);
	assert_int_equal(c->mqtt.subscribe_count, 2);
	assert_string_equal(c->mqtt.subscribe[1], "#");
	assert_null(c->mqtt.subscribe[2]);
	assert_false(c->mqtt.sandbox);
	assert_int_equal(c->mqtt.gap_grace_ms, 90000);
	assert_string_equal(c->mqtt.username, "u\"\\");
	assert_string_equal(c->mqtt.ca_file, "/etc/ca.pem");
	assert_string_equal(c->http.listen_host, "::1");
	assert_int_equal(c->http.listen_port, 80);
	assert_string_equal(c->http.socket, "");
	assert_int_equal(c->influx.api, CONFIG_INFLUX_V2);
	assert_false(c->influx.sites);
	assert_int_equal(c->indicators.every_ms, 500);
	assert_int_equal(c->limits.per_site_count, 7);
	assert_int_equal(c->limits.per_site_ms, 1000);
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
	config_free(c);
}

static void the_defaults_are_those_of_the_contract(void **state)
{
	struct config *c = load_good("");

	(void)state;
	assert_string_equal(c->instance, "main");
	assert_string_equal(c->store.path, in_dir("nurseryd.db"));
	assert_string_equal(c->mqtt.host, "127.0.0.1");
	assert_int_equal(c->mqtt.port, 1883);
	assert_false(c->mqtt.tls);
	assert_true(c->mqtt.protocol_v5);
	assert_string_equal(c->mqtt.subscribe[0], "nursery/v1/+/+/+/up/+");
	assert_int_equal(c->mqtt.subscribe_count, 1);
	assert_true(c->mqtt.sandbox);
	assert_int_equal(c->mqtt.gap_grace_ms, 600000);
	assert_string_equal(c->http.listen_host, "127.0.0.1");
	assert_int_equal(c->http.listen_port, 8640);
	assert_string_equal(c->http.socket, in_dir("nurseryd.sock"));
	assert_string_equal(c->influx.url, "");
	assert_string_equal(c->influx.database, "nursery");
	assert_true(c->influx.sites);
	assert_int_equal(c->indicators.every_ms, 10000);
	assert_int_equal(c->limits.per_site_count, 120);
	assert_int_equal(c->limits.per_site_ms, 60000);
	assert_int_equal(c->log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->store.reserve_bytes, 256 << 20);
	config_free(c);
}

static void port_0_asks_for_any_free_one_but_a_port_must_be_written(void **state)
{
	struct config *c = load_good("http: { listen = \"127.0.0.1:0\"; };");

	(void)state;
	assert_string_equal(c->http.listen_host, "127.0.0.1");
	assert_int_equal(c->http.listen_port, 0);
	config_free(c);
	c = load_good("http: { listen = \"[::1]:65535\"; };");
	assert_int_equal(c->http.listen_port, 65535);
	config_free(c);
}

static void print_and_load_again_is_the_same(void **state)
{
	static const char *const texts[] = { "", rich, "store: { reserve = \"0KiB\"; };", "store: { reserve = \"1024MiB\"; };", "mqtt: { gap_grace = \"36h\"; }; http: { listen = \"\"; };",
						 "limits: { per_site = \"\"; };" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct buf first = { 0 }, second = { 0 };
		struct config *c = load_good(texts[i]);

		config_print(c, &first);
		config_free(c);
		c = load_good(first.p);
		config_print(c, &second);
		config_free(c);
		assert_string_equal(first.p, second.p);
		buf_done(&first);
		buf_done(&second);
	}
}

/* text without each `cut` */
static void strip(char *text, const char *cut)
{
	size_t n = strlen(cut);

	for (char *p; (p = strstr(text, cut));)
		memmove(p, p + n, strlen(p + n) + 1);
}

static void the_shipped_file_equals_the_defaults(void **state)
{
	struct buf shipped = { 0 }, printed = { 0 }, errors = { 0 };
	struct config *c = NULL;
	char cwd[PATH_MAX], prefix[PATH_MAX + 8];

	(void)state;
	assert_int_equal(config_read_bytes("config/nurseryd.conf", 65536, &shipped), 0);
	assert_non_null(getcwd(cwd, sizeof cwd));
	assert_int_equal(chdir("config"), 0);
	assert_int_equal(config_load(NULL, &c, &errors), 0);
	assert_int_equal(chdir(cwd), 0);
	config_print(c, &printed);
	snprintf(prefix, sizeof prefix, "%s/config/", cwd);
	strip(printed.p, prefix);
	/* mend: build/nurseryd --print-config, with the directory cut off */
	assert_string_equal(shipped.p, printed.p);
	config_free(c);
	buf_done(&shipped);
	buf_done(&printed);
	buf_done(&errors);
}

static void a_secret_loses_one_newline_only(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *wanted; /* NULL: refused */
	} cases[] = {
		{ "pw\n", 3, "pw" }, { "pw", 2, "pw" }, { "pw\n\n", 4, "pw\n" }, { " pw \n", 5, " pw " }, { "", 0, "" },
		{ "p\0w", 3, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *secret = NULL;
		int r;

		write_file("secret", cases[i].text, cases[i].len);
		r = config_read_secret(in_dir("secret"), &secret);
		assert_int_equal(r, cases[i].wanted ? 0 : -EINVAL);
		if (cases[i].wanted)
			assert_string_equal(secret, cases[i].wanted);
		free(secret);
	}
}

static void a_secret_that_is_not_beside_the_file_is_a_systemd_credential(void **state)
{
	static const char text[] = "mqtt: { username = \"u\"; password_file = \"pw\"; };";
	struct config *c;

	(void)state;
	mkdir(in_dir("creds"), 0700);
	write_file("creds/pw", "x\n", 2);
	setenv("CREDENTIALS_DIRECTORY", in_dir("creds"), 1);
	c = load_good(text);
	assert_string_equal(c->mqtt.password_file, in_dir("creds/pw"));
	config_free(c);
	remove(in_dir("creds/pw"));
	c = load_good(text);
	assert_string_equal(c->mqtt.password_file, in_dir("pw"));
	config_free(c);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void expect_careless(const char *text, const char *word)
{
	_cleanup_(config_freep) struct config *c = load_good(text);
	_cleanup_(buf_done) struct buf careless = { 0 };

	config_careless(c, &careless);
	if (!word != !careless.p || (word && !strstr(careless.p, word)))
		fail_msg("%s -> %s", text, careless.p ? careless.p : "nothing");
}

#define POLICY_LINE "policy = \"p.conf\"; "
#define ROBOT(secret) "notify: { sinks = ( { name = \"a\"; kind = \"dingtalk\"; urls = [ \"https://x.example\" ]; secret_file = \"" secret "\"; } ); };"

static void what_is_valid_and_careless_is_told(void **state)
{
	(void)state;
	write_file("p.conf", "", 0);
	write_file("open", "secret", 6);
	write_file("closed", "secret", 6);
	assert_int_equal(chmod(in_dir("open"), 0644), 0);
	assert_int_equal(chmod(in_dir("closed"), 0640), 0);
	expect_careless(POLICY_LINE, NULL);
	expect_careless(POLICY_LINE "mqtt: { username = \"u\"; password_file = \"closed\"; };", NULL);
	expect_careless(POLICY_LINE "mqtt: { username = \"u\"; password_file = \"open\"; };", "mqtt.password_file");
	expect_careless(POLICY_LINE ROBOT("closed"), NULL);
	expect_careless(POLICY_LINE ROBOT("open"), "secret_file");
	expect_careless(POLICY_LINE "people = ( { name = \"a\"; roles = [ \"viewer\" ]; token_file = \"open\"; } );", "token_file");
	expect_careless(POLICY_LINE "http: { listen = \"0.0.0.0:8640\"; };", "http.listen");
	expect_careless(POLICY_LINE "http: { listen = \"[::1]:8640\"; };", NULL);
}

/* A configuration is printed, mailed and kept in a log. */
static void a_url_holds_no_password_and_none_is_repeated(void **state)
{
	static const char *const texts[] = {
		POLICY_LINE "influx: { url = \"http://u:hunter2@127.0.0.1:8086\"; };",
		POLICY_LINE "notify: { sinks = ( { name = \"a\"; kind = \"wecom\"; urls = [ \"https://u:hunter2@x.example/\" ]; } ); };",
		POLICY_LINE "notify: { sinks = ( { name = \"a\"; kind = \"mail\"; urls = [ \"smtps://u:hunter2@x.example\" ]; from = \"a@b.example\"; } ); };",
	};

	(void)state;
	write_file("p.conf", "", 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(buf_done) struct buf errors = { 0 };
		struct config *c;

		assert_int_equal(load_text(texts[i], &c, &errors), -EINVAL);
		assert_null(strstr(errors.p, "hunter2"));
		assert_non_null(strstr(errors.p, "without user:password"));
	}
	config_free(load_good(POLICY_LINE "notify: { sinks = ( { name = \"a\"; kind = \"wecom\"; urls = [ \"https://x.example/?to=@all\" ]; } ); };"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_valid_and_careless_is_told),
		cmocka_unit_test(a_url_holds_no_password_and_none_is_repeated),
		cmocka_unit_test(whatever_is_wrong_is_named_with_its_line_and_key),
		cmocka_unit_test(one_mistake_is_one_line),
		cmocka_unit_test(numbers_in_comments_and_texts_are_left_alone),
		cmocka_unit_test(a_nul_byte_does_not_hide_the_rest),
		cmocka_unit_test(a_misplaced_secret_is_not_repeated),
		cmocka_unit_test(a_file_that_does_not_exist_is_an_error),
		cmocka_unit_test(values_arrive_typed),
		cmocka_unit_test(the_defaults_are_those_of_the_contract),
		cmocka_unit_test(port_0_asks_for_any_free_one_but_a_port_must_be_written),
		cmocka_unit_test(print_and_load_again_is_the_same),
		cmocka_unit_test(the_shipped_file_equals_the_defaults),
		cmocka_unit_test(a_secret_loses_one_newline_only),
		cmocka_unit_test(a_secret_that_is_not_beside_the_file_is_a_systemd_credential),
	};

	return cmocka_run_group_tests_name("config", tests, prepare, clear);
}
