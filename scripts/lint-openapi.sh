#!/bin/bash
# SPDX-License-Identifier: MIT
# The descriptions under the eyes of the linters that integrators use: Redocly's for docs/openapi.yaml, AsyncAPI's own parser for
# docs/asyncapi.yaml. They come from npm, pinned, into build/lint; nothing else of nurseryd needs npm, and CI does not (there
# tests/e2e/test_api_openapi.py and test_asyncapi.py judge). A finding is exit 1.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v npm >/dev/null || scripts/deps.sh lint # or wherever node comes from
mkdir -p build/lint
[ -e build/lint/package.json ] || echo '{"private":true}' >build/lint/package.json
npm install --prefix build/lint --no-save --no-audit --no-fund --ignore-scripts --silent @redocly/cli@1.34.5 @asyncapi/parser@3.4.0

# every warning counts
REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true build/lint/node_modules/.bin/redocly lint --max-problems 100 --format stylish docs/openapi.yaml |
	tee build/lint/openapi.log
! grep -qE '(error|warning) ' build/lint/openapi.log

NODE_PATH=build/lint/node_modules node - docs/asyncapi.yaml <<'END'
const { Parser, fromFile } = require("@asyncapi/parser");
(async () => {
	const { document, diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();
	const grave = diagnostics.filter((d) => d.severity < 2); // 2: "a newer version of AsyncAPI exists"
	for (const d of diagnostics)
		console.log(`${d.severity < 2 ? "finding" : "note"}: ${d.path.join(".")}: ${d.message}`);
	console.log(`${process.argv[2]}: ${document ? "parsed" : "not parsed"}, ${grave.length} findings`);
	process.exit(document && !grave.length ? 0 : 1);
})();
END
