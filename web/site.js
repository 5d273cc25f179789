// SPDX-License-Identifier: MIT
// One nursery, for who came from an alert or the worklist: where it belongs, and the officer's act that moves it (docs/cases.md).
import { el, lang, name, put } from "./page.js";
import { act, get, source } from "./source.js";
import { t } from "./texts.js";

const view = { site: null, etag: null, key: null, said: null, busy: false };

// The same act sent again, because nobody answered, has no second effect; another act is another key.
function keyOf(body) {
	const text = view.etag + JSON.stringify(body);
	if (view.key?.text !== text)
		view.key = { text, is: `page-${Date.now()}-${Math.random()}` };
	return view.key.is;
}

function refusal({ status, body }) {
	if (status === 0)
		return t("noAnswer");
	if (status === 401 || status === 403)
		return t("moveNeedsRole");
	return status === 412 ? t("movedMeanwhile") : (lang() === "zh" ? body?.zh : body?.en) || [body?.title, body?.detail].filter(Boolean).join(": ");
}

// What the daemon answered, in the language of now.
function say(answer) {
	const well = answer?.status === 201;
	view.said = answer;
	put("said", answer && el("span", { class: well ? "good" : "bad" }, well ? `${t("moveDone")} ${answer.body.n}` : refusal(answer)));
}

async function send(form) {
	if (view.busy)
		return;
	const site = view.site, given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()));
	const body = { act: "move", ...given };
	view.busy = true;
	const answer = await act(`/api/v1/sites/${site}/actions`, body, { "Idempotency-Key": keyOf(body), ...(view.etag ? { "If-Match": view.etag } : {}) });
	view.busy = false;
	if (view.site !== site || !form.isConnected)
		return;
	say(answer);
	if (answer.status === 201)
		form.reset();
	if (answer.status === 201 || answer.status === 412)
		await siteView(site, null, false);
}

function moveForm(today) {
	const field = (key, attributes) => el("label", {}, t(key), el("input", { autocomplete: "off", "aria-label": t(key), ...attributes }));
	return el("form", { class: "act", onsubmit: (e) => {
		e.preventDefault();
		send(e.target);
	} }, el("h3", {}, t("move")),
		field("toDivision", { name: "division", required: true, pattern: "[0-9]{6}", inputmode: "numeric", maxlength: 6 }),
		field("fromDay", { name: "effective_on", type: "date", required: true, value: today }),
		field("reason", { name: "reason", required: true, maxlength: 200 }), field("document", { name: "document", maxlength: 100 }),
		el("button", {}, t("doMove")));
}

function moves(list) {
	return list.length ? el("table", { class: "plain words" }, el("thead", {}, el("tr", {}, ["fromDay", "division", "unit"].map((key) => el("th", {}, t(key))))),
		el("tbody", {}, list.map((m) => el("tr", {}, [m.effective_on, m.division, m.unit].map((text) => el("td", {}, text)))))) : el("p", { class: "muted" }, t("noMoves"));
}

function frame(today) {
	put("main", el("div", { class: "panel unit" }, el("a", { class: "back", href: "#/" }, "← ", t("back")), el("div", { id: "site-head" }),
		source.token ? moveForm(today) : el("p", { class: "muted" }, t("moveNeedsRole")), el("p", { id: "said", role: "status" })));
}

// A look at the numbers leaves the form alone: somebody is writing in it.
export async function siteView(id, today, fresh) {
	const answer = await get("/api/v1/sites/" + encodeURIComponent(id));
	if (location.hash !== "#/site/" + id || !answer.status)
		return undefined;
	if (answer.status !== 200)
		return put("main", el("div", { class: "panel" }, el("a", { class: "back", href: "#/" }, "← ", t("back")), el("p", { class: "empty" }, t("noSite"))));
	const form = document.querySelector("#main form.act");
	if (fresh || view.site !== id || !document.getElementById("site-head") || Boolean(form) !== Boolean(source.token))
		frame(today);
	if (view.site !== id)
		[view.said, view.key] = [null, null];
	[view.site, view.etag] = [id, answer.etag?.startsWith('"') ? answer.etag : null]; // a proxy that packs makes it weak, and weak ones never match
	const s = answer.body;
	put("site-head", el("h2", {}, name(s.registration?.name || s.site)),
		el("p", { class: "muted" }, name(s.site), s.unit ? [" · ", el("a", { href: "#/unit/" + s.unit }, s.unit)] : null, ` · ${t("division")} ${s.division || "–"}`),
		el("h3", {}, t("moves")), moves(s.moves || []));
	return say(view.said);
}
