// SPDX-License-Identifier: MIT
// Where the numbers come from: the API by polling, and sooner when the event stream says that something changed.

const POLL_MS = 4000; // without a stream
const CALM_MS = 30000; // with one: only to notice what it missed
const STREAM_RETRY_MS = 20000;
const QUIET_MS = 1500; // events of one kind within this are one

export const source = { token: null, streaming: false, lostAt: null, answeredAt: null, aheadMs: 0 };

// Ours and the daemon's clock may differ: time left is counted by the daemon's.
export const now = () => Date.now() + source.aheadMs;

function hear(response) {
	const theirs = Date.parse(response.headers.get("Date"));
	if (Number.isFinite(theirs))
		source.aheadMs = Math.abs(theirs - Date.now()) > 3000 ? theirs - Date.now() : 0;
	source.answeredAt = Date.now();
	source.lostAt = null;
}

async function ask(path, text, options) {
	try {
		const headers = { ...options.headers, ...(source.token ? { Authorization: "Bearer " + source.token } : {}) };
		const response = await fetch(path, { ...options, headers, cache: "no-cache", credentials: "omit" });
		const body = text ? await response.text() : await response.json().catch(() => null);
		hear(response);
		return { status: response.status, body, etag: response.headers.get("ETag") };
	} catch {
		source.lostAt ??= Date.now();
		return { status: 0, body: null };
	}
}

// {status, body, etag}; status 0: nobody answered.
export const get = (path, text) => ask(path, text, {});
// An officer's act; status 0: whether it was done is not known.
export const act = (path, body, headers) => ask(path, false, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } });

// All items of a list, at most `pages` pages. null: no answer.
export async function all(path, pages) {
	const items = [];
	let after = "";
	for (let page = 0; page < (pages || 5); page++) {
		const answer = await get(path + after);
		if (answer.status !== 200)
			return page ? items : null;
		items.push(...answer.body.items);
		if (!answer.body.next)
			break;
		after = (path.includes("?") ? "&" : "?") + "after=" + encodeURIComponent(answer.body.next);
	}
	return items;
}

// changed("indicator" | "alert" | "case" | "all") at most every QUIET_MS a kind, the first at once.
export function listen(changed) {
	const waiting = {}, last = {};
	const tell = (kind) => {
		last[kind] = Date.now();
		delete waiting[kind];
		changed(kind);
	};
	const heard = (kind) => {
		waiting[kind] ??= setTimeout(() => tell(kind), Math.max(20, (last[kind] || 0) + QUIET_MS - Date.now()));
	};
	const connect = () => {
		const stream = new EventSource("/api/v1/events");
		stream.onopen = () => {
			source.streaming = true;
			heard("all"); // what happened while we were away
		};
		for (const kind of ["indicator", "alert", "case"])
			stream.addEventListener(kind, () => heard(kind));
		stream.onerror = () => {
			source.streaming = false;
			if (stream.readyState === EventSource.CLOSED)
				setTimeout(connect, STREAM_RETRY_MS * (1 + Math.random()));
		};
	};
	let polled = Date.now();
	setInterval(() => {
		if (Date.now() - polled < (source.streaming && !source.lostAt ? CALM_MS : POLL_MS))
			return;
		polled = Date.now();
		tell("all");
	}, 500);
	connect();
}
