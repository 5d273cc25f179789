// SPDX-License-Identifier: MIT
// What somebody has to act on, and how the daemon is: alerts, cases, rejected messages, the daemon's state.
import { clock, el, lang, moment, name, number, put, siteLink, span } from "./page.js";
import { all, get, now, source } from "./source.js";
import { caseStateName, codeName, indicatorName, t } from "./texts.js";
import { worklistPanel } from "./worklist.js";

const CASES_SHOWN = 20;
const MINUTE = 60000;
const DAY = 24 * 60 * MINUTE;
const WEEK = 7 * DAY;
const LOOK_BACK_ROWS = 50000; // of the ledger, for rejected messages
const PAGES_MAX = 20; // of them, a look

const panel = (title, note, ...content) => el("div", { class: "panel" }, el("h2", {}, title, note ? el("small", {}, note) : null), content);

// --- alerts ---

const rank = (a) => `${a.severity || "S9"}${a.provisional ? 0 : 1}`;
const bySeverity = (a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : Date.parse(b.raised_at) - Date.parse(a.raised_at));

// DOMAIN §3 and §4: the moments after which something happens; the first still ahead is shown, else the last one that waits for an answer.
function clocks(a) {
	const raised = Date.parse(a.raised_at), paged = a.paged !== false && (a.severity === "S1" || a.severity === "S2");
	const acknowledged = a.acknowledged_at || a.state === "acknowledged";
	return [
		paged && !acknowledged && { at: raised + 5 * MINUTE, text: "toNext", waits: true },
		paged && !acknowledged && { at: raised + 15 * MINUTE, text: "toProvince", waits: true },
		...(a.next_clock ? nextClock(a) : [a.unconfirmed && { at: raised + 60 * MINUTE, text: "toConfirm" }, paged && { at: raised + 120 * MINUTE, text: "toLevel" }]),
	].filter(Boolean);
}

// What somebody has to do next about the event (told to who has a role).
const nextClock = ({ next_clock: c }) => (c ? [{ at: Date.parse(c.due_at), label: lang() === "zh" ? c.zh : c.en, waits: c.state !== "unclear" }] : []);

function tickOne(node) {
	const all = JSON.parse(node.dataset.clocks), due = all.find((c) => c.at > now()), past = due ? null : all.filter((c) => c.waits && now() - c.at < DAY).pop(); // as in the brief: past for a day, it is left out
	node.replaceChildren(...(due ? [`${due.label || t(due.text)} `, el("b", {}, span(due.at - now()))] : past ? [`${past.label || ""} ${t("overdue")} `, el("b", {}, span(now() - past.at))] : []));
	node.classList.toggle("soon", Boolean(past || (due && due.at - now() < 5 * MINUTE)));
}

function timer(clocks) {
	const node = el("span", { class: "left", role: "timer", "data-clocks": JSON.stringify([...clocks].sort((a, b) => a.at - b.at)) });
	tickOne(node);
	return node;
}

export function tick() {
	document.querySelectorAll("[data-clocks]").forEach(tickOne);
}

function alertRow(a, units) {
	return el("li", { class: "alert " + (a.severity || "") },
		el("span", { class: "severity" }, a.severity || "–"),
		el("div", { class: "what" },
			el("p", {}, el("a", { href: "#/unit/" + a.unit }, name(units.get(a.unit) || a.unit)), " ", el("span", { class: "text" }, (lang() === "zh" ? a.zh : a.en) || a.rule)),
			el("p", { class: "muted" }, el("span", {}, `${a.id} · ${t("raised")} ${moment(Date.parse(a.raised_at))}`),
				a.site ? [" · ", siteLink(a.site)] : null, a.subject ? [" · ", name(subjectText(a))] : null,
				a.provisional ? el("span", { class: "tag", title: t("provisionalNote") }, t("provisional")) : null,
				a.unconfirmed ? el("span", { class: "tag" }, t("unconfirmed")) : null,
				a.acknowledged_at || a.state === "acknowledged" ? el("span", { class: "tag calm" }, t("acknowledged")) : null,
				a.case ? el("span", { class: "tag" }, String(a.case)) : null)),
		timer(clocks(a)));
}

// "330100/places_per_1000" is said in words; of an event the nursery stands there already.
function subjectText(a) {
	const [whose, what] = [a.subject.slice(0, a.subject.indexOf("/")), a.subject.slice(a.subject.indexOf("/") + 1)];
	return whose === a.unit ? indicatorName(what) : whose === a.site ? what : a.subject;
}

let spoken = null; // ids of the alerts that were there at the last look

// Told to a screen reader once, when it is new: the list itself ticks and would be read every second.
function speak(alerts, units) {
	const fresh = spoken ? alerts.filter((a) => !spoken.has(a.id)) : [];
	spoken = new Set(alerts.map((a) => a.id));
	if (fresh.length)
		put("spoken", el("span", {}, fresh.slice(0, 3).map((a) => `${t("newAlert")} ${a.severity || ""} ${units.get(a.unit) || a.unit} ${(lang() === "zh" ? a.zh : a.en) || a.rule}. `)));
}

export function showAlerts(model) {
	const alerts = model.alerts && [...model.alerts].sort(bySeverity);
	if (!alerts)
		return put("alerts");
	speak(alerts, model.names);
	if (!alerts.length)
		return put("alerts", el("p", { class: "quiet" }, el("span", { class: "dot good" }), t("noAlerts")));
	put("alerts", el("div", { class: "panel alerts" }, el("h2", {}, t("openAlerts"), " ", el("span", { class: "pill" }, number(alerts.length))),
		el("ul", {}, alerts.slice(0, 50).map((a) => alertRow(a, model.names)))));
}

// --- cases: named over TCP only to who has a role; how many is no secret ---

const nextText = (c) => (lang() === "zh" ? c.next_zh : c.next_en) || c.next || "";

function casesPanel(model) {
	const open = (model.units || []).reduce((sum, u) => sum + (u.open_cases || 0), 0);
	const count = model.cases ? model.cases.length : open;
	const line = (c) => el("li", {},
		el("span", {}, el("b", {}, c.id), " ", el("a", { href: "#/unit/" + c.unit }, name(model.names.get(c.unit) || c.unit)), el("span", { class: "tag" }, caseStateName(c.state)),
			nextText(c) ? el("span", { class: "muted" }, `${t("next")}: ${nextText(c)}`) : null),
		timer(nextClock(c)));
	return panel(t("cases"), null, !count ? el("p", { class: "muted" }, t("noCases")) : null,
		count && !model.cases ? el("p", {}, el("b", {}, number(count)), " ", t("openCases"), " · ", el("span", { class: "muted" }, t("casesNeedRole"))) : null,
		model.cases ? el("ul", { class: "lines" }, model.cases.slice(0, CASES_SHOWN).map(line)) : null);
}

// --- rejected messages: read once, then only what is new ---

const heap = { after: null, reasons: new Map(), asking: false };

function take(message) {
	const at = Date.parse(message.received_at);
	const codes = (message.errors || []).map((e) => e.code);
	for (const code of new Set(codes.length ? codes : [message.outcome])) {
		const reason = heap.reasons.get(code) || { code, times: [], site: null };
		reason.times.push(at);
		reason.site = message.site;
		heap.reasons.set(code, reason);
	}
}

// This page and its daemon are of one build: a cursor over the ledger is its row number.
async function takeMore(head) {
	const after = heap.after ?? Math.max(0, head.n - LOOK_BACK_ROWS);
	const read = [];
	for (const outcome of ["rejected", "refused_pii", "fault"])
		read.push(await get(`/api/v1/messages?outcome=${outcome}&limit=1000${after ? "&after=" + after : ""}`));
	if (!read.every((answer) => answer.status === 200))
		return false;
	const partial = read.map((answer) => Number(answer.body.next || NaN)).filter(Number.isFinite);
	const whole = Math.min(head.n, ...partial); // the three lists advance evenly: up to here all is read
	read.flatMap((answer) => answer.body.items).filter((m) => m.n <= whole).forEach(take);
	heap.after = whole;
	return true;
}

export async function loadRejected(head) {
	if (heap.asking || !head)
		return;
	heap.asking = true;
	for (let page = 0; page < PAGES_MAX && heap.after !== head.n && (await takeMore(head)); page++)
		;
	heap.asking = false;
}

function rejectedPanel() {
	const since = now() - WEEK;
	const reasons = [...heap.reasons.values()].map((r) => ({ ...r, times: r.times.filter((at) => at > since) })).filter((r) => r.times.length)
		.sort((a, b) => b.times.length - a.times.length);
	const most = reasons[0]?.times.length;
	const line = (r) => el("li", {}, el("span", { class: "code" }, codeName(r.code) || r.code),
		el("meter", { min: 0, max: most, value: r.times.length, "aria-hidden": "true" }), el("b", { class: "number" }, number(r.times.length)),
		el("small", { class: "muted" }, `${r.code} · ${t("last")} ${moment(r.times.reduce((a, b) => Math.max(a, b)))}`));
	return panel(t("rejected"), t("rejectedNote"), reasons.length ? el("ul", { class: "reasons" }, reasons.slice(0, 8).map(line)) : el("p", { class: "muted" }, t("noRejected")));
}

// --- the daemon ---

export function metricsOf(text) {
	const found = {};
	for (const row of (text || "").split("\n")) {
		const match = /^(nurseryd_[a-z_]+) (-?[0-9.e+]+)$/.exec(row);
		if (match)
			found[match[1]] = Number(match[2]);
	}
	return found;
}

function chainText(m) {
	if (m.nurseryd_ledger_bad_row > 0)
		return el("span", { class: "bad" }, `${t("chainBroken")} ${number(m.nurseryd_ledger_bad_row)}`);
	if (m.nurseryd_verify_rows === undefined)
		return "–";
	return m.nurseryd_verified_rows >= m.nurseryd_verify_rows ? el("span", { class: "good" }, t("chainWhole")) : `${t("chainChecking")} ${number(m.nurseryd_verified_rows)} / ${number(m.nurseryd_verify_rows)}`;
}

function daemonPanel({ ready, head, metrics }) {
	const fact = (label, ...value) => [el("dt", {}, label), el("dd", {}, value)];
	const well = ready?.status === "ready";
	const at = head?.at ? Date.parse(head.at) : null;
	const behind = head ? head.n - head.indicators_n : 0;
	return panel(t("daemon"), null,
		el("p", { class: "state" }, el("span", { class: "dot " + (well ? "good" : "bad") }), t(well ? "ready" : "notReady"), ready?.why ? el("small", {}, name(ready.why)) : null),
		ready?.shedding ? el("p", { class: "bad" }, t("shedding")) : null,
		el("dl", {}, fact(t("broker"), ready?.subscribed ? t("connected") : el("span", { class: "bad" }, t("away"))),
			fact(t("store"), ready?.store_writable ? t("writable") : el("span", { class: "bad" }, t("failed"))),
			head ? fact(t("ledger"), `${number(head.n)} ${t("rows")}`, el("code", { title: head.hash }, head.hash.slice(0, 8))) : null,
			fact(t("chain"), chainText(metrics || {})),
			at ? fact(t("lastData"), moment(at), now() - at > 24 * 60 * MINUTE ? el("span", { class: "old" }, t("old")) : null) : null,
			behind > 0 ? fact(t("behind"), number(behind)) : null));
}

export function showSide(model, unit) {
	put("side", casesPanel(model), worklistPanel(model, unit), rejectedPanel(), daemonPanel(model));
}

// --- is what we see of now? ---

export function showNotice() {
	const lost = source.lostAt !== null;
	document.documentElement.classList.toggle("lost", lost);
	if (!lost)
		return put("notice");
	put("notice", el("p", { class: "lost" }, source.answeredAt ? t("lost") + clock(source.answeredAt) + t("retrying") : t("neverAnswered")));
}
