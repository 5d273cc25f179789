// SPDX-License-Identifier: MIT
// Starts, asks, and shows. Views are functions of the model; nothing else is remembered.
import { clock, day, el, lang, pref, put, setPref } from "./page.js";
import { siteView } from "./site.js";
import { all, get, listen, now, source } from "./source.js";
import { t } from "./texts.js";
import { loadRecent, unitsFrame, unitsRows } from "./units.js";
import { unitView } from "./unit.js";
import { loadRejected, metricsOf, showAlerts, showNotice, showSide, tick } from "./watch.js";
import { loadWorklist } from "./worklist.js";

const model = { provinces: [], province: pref("province"), units: null, names: new Map(), alerts: null, cases: null, ready: null, head: null, metrics: null, today: day(Date.now()) };
const dark = matchMedia("(prefers-color-scheme: dark)");
const unitCode = () => /^#\/unit\/([0-9]{6})$/.exec(location.hash)?.[1];
const siteId = () => /^#\/site\/([0-9A-Z-]{18,21})$/.exec(location.hash)?.[1];

// --- frame ---

const theme = () => pref("theme") || (dark.matches ? "dark" : "light");

function applyPrefs() {
	document.documentElement.dataset.theme = theme();
	document.documentElement.lang = lang() === "zh" ? "zh-CN" : "en";
}

function showTop() {
	const turn = (key, value) => () => {
		setPref(key, value);
		frame();
	};
	const other = theme() === "dark" ? "light" : "dark";
	put("top", el("a", { class: "brand", href: "#/" }, el("img", { src: "/web/icon.svg", alt: "", width: 28, height: 28 }), el("h1", {}, t("title"))),
		el("a", { class: "skip", href: "#/", onclick: (e) => {
			e.preventDefault();
			document.getElementById("main").focus();
		} }, t("skip")),
		el("span", { id: "pulse" }),
		el("div", { class: "tools" },
			el("button", { type: "button", id: "language", lang: lang() === "zh" ? "en" : "zh-CN", onclick: turn("lang", lang() === "zh" ? "en" : "zh") }, t("language")),
			el("button", { type: "button", id: "theme", "aria-label": t("theme"), title: t("theme"), onclick: turn("theme", other) }, t(other))));
	showPulse();
}

function showPulse() {
	if (!source.answeredAt)
		return put("pulse");
	put("pulse", el("span", { class: "dot " + (source.lostAt ? "bad" : source.streaming ? "good live" : "good") }),
		el("span", { class: "how" }, t(source.lostAt ? "disconnected" : source.streaming ? "live" : "polling"), " · "), `${t("updated")} ${clock(source.answeredAt)}`);
}

// The token stays in this page's memory: a reload forgets it.
function showFoot() {
	const field = el("input", { type: "password", autocomplete: "off", "aria-label": t("token"), placeholder: t("token") });
	const use = (e) => {
		e.preventDefault();
		source.token = field.value.trim() || null;
		field.value = "";
		refresh("all");
	};
	put("foot", el("span", {}, `nurseryd · ${t("local")}`), el("form", { onsubmit: use }, field, el("button", {}, t("useToken"))));
}

function frame() {
	applyPrefs();
	for (const [id, label] of [["alerts", "openAlerts"], ["main", "units"], ["side", "daemon"]])
		document.getElementById(id).setAttribute("aria-label", t(label));
	showTop();
	showFoot();
	showAll(true);
}

function showMain(fresh) {
	const code = unitCode(), site = siteId();
	if (code || site)
		return code ? unitView(code, model.today, fresh) : siteView(site, model.today, fresh);
	if (fresh || !document.getElementById("rows"))
		unitsFrame(model, chooseProvince);
	else
		unitsRows(model, chooseProvince);
	return undefined;
}

function showAll(fresh) {
	showNotice();
	showAlerts(model);
	showSide(model, unitCode());
	document.title = (model.alerts?.length ? `(${model.alerts.length}) ` : "") + t("title");
	showMain(fresh);
}

function chooseProvince(code) {
	model.province = code;
	setPref("province", code || "all");
	model.units = null;
	showMain(false);
	refresh("indicator");
}

// --- what is asked ---

// The first time: the province that reports most.
function settleProvince() {
	if (model.province === "all")
		model.province = "";
	if (model.province === null && model.provinces.length)
		model.province = [...model.provinces].sort((a, b) => b.indicators.length - a.indicators.length)[0].province;
}

async function loadUnits() {
	const provinces = await all("/api/v1/provinces?limit=60");
	const known = model.provinces.length;
	model.provinces = provinces || model.provinces;
	settleProvince();
	const asked = model.province;
	const units = model.provinces.length && await all("/api/v1/units?limit=500" + (asked ? "&province=" + asked : ""));
	if (!units || asked !== model.province)
		return;
	model.units = units;
	units.forEach((u) => model.names.set(u.unit, u.name));
	await loadRecent(units, model.today);
	if (!known && model.provinces.length)
		showMain(!unitCode() && !siteId());
}

async function nameAlerts() {
	const strangers = new Set((model.alerts || []).map((a) => a.unit).filter((u) => !model.names.has(u) && u !== "000000"));
	for (const unit of [...strangers].slice(0, 20)) {
		const answer = await get("/api/v1/units/" + unit);
		model.names.set(unit, answer.body?.name || unit);
	}
}

async function loadAlerts() {
	const alerts = await all("/api/v1/alerts?state=open&limit=1000");
	model.alerts = alerts || model.alerts;
	showAlerts(model);
	await nameAlerts();
}

async function loadCases() {
	model.cases = source.token ? await all("/api/v1/cases?state=open") : null; // without a role: 401 for certain
}

async function loadDaemon() {
	const ready = await get("/readyz"), head = await get("/api/v1/ledger/head"), metrics = await get("/metrics", true);
	model.ready = ready.body || model.ready;
	model.head = head.status === 200 ? head.body : model.head;
	model.metrics = metrics.status === 200 ? metricsOf(metrics.body) : model.metrics;
	await loadRejected(model.head);
	await loadWorklist(unitCode());
}

const wants = { indicator: [loadUnits, loadDaemon], alert: [loadAlerts], case: [loadCases, loadAlerts], all: [loadAlerts, loadUnits, loadDaemon, loadCases] };
const running = {};

// One at a time of a kind; what comes meanwhile is asked for once afterwards.
async function refresh(kind) {
	if (running[kind]) {
		running[kind].again = true;
		return;
	}
	running[kind] = {};
	await Promise.all(wants[kind].map((load) => load()));
	model.today = day(now());
	const again = running[kind].again;
	delete running[kind];
	showAll(false);
	showPulse();
	if (again)
		refresh(kind);
}

addEventListener("hashchange", () => {
	showMain(true);
	scrollTo(0, 0);
	loadWorklist(unitCode()).then(() => showSide(model, unitCode()));
	document.getElementById("main").focus({ preventScroll: true }); // what is read aloud next is the new view
});
dark.addEventListener("change", frame);
setInterval(() => {
	tick();
	showNotice();
	showPulse();
}, 1000);
frame();
refresh("all");
listen(refresh);
