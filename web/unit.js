// SPDX-License-Identifier: MIT
// One city: all its numbers, what moved in a week, and the history of one of them.
import { day, dayPlus, el, name, number, put } from "./page.js";
import { all, get, now } from "./source.js";
import { against, badge, indicator, isOld, valueText } from "./units.js";
import { indicatorName, isPercent, percent, t } from "./texts.js";

const HISTORY_DAYS = 120;
const view = { unit: null, id: "places_total", period: "day", moved: null, recent: new Map(), chart: null, drawn: null, asked: null };
let library = null; // the promise of Chart.js: loaded when a city is first looked at

function chartLibrary() {
	library ??= new Promise((resolve) => {
		const script = el("script", { src: "/web/chart.js" });
		script.onload = () => resolve(window.Chart || null);
		script.onerror = () => resolve(null); // libjs-chart.js is not installed: a table must do
		document.head.append(script);
	});
	return library;
}

function tile(current, today, choose) {
	const i = (current.value === null && view.recent.get(current.id)) || current; // what is only counted in the evening: of the last whole day
	const compared = against(i);
	const gaps = [i.missing ? `${number(i.missing)} ${t("missing")}` : "", i.stale ? `${number(i.stale)} ${t("stale")}` : ""].filter(Boolean).join(" · ");
	return el("button", { type: "button", class: "tile" + (i.id === view.id ? " chosen" : ""), "aria-pressed": String(i.id === view.id), onclick: () => choose(i.id) },
		el("span", { class: "label" }, indicatorName(i.id)),
		el("span", { class: "value" }, valueText(i), el("i", {}, i.value === null ? "" : percent(i.id))),
		el("small", {},
			i.value === null ? el("span", { class: "muted" }, t(i.status === "insufficient" ? "insufficient" : "noData")) : null,
			i.target ? el("span", { class: i.target.met ? "good" : "unmet" }, `${t("target")} ${i.target.value} ${t(i.target.met ? "met" : "unmet")}`) : null,
			i.value !== null && i.province?.value != null ? el("span", { class: compared?.tone || "muted", title: compared?.words },
				`${t("provinceAverage")} ${valueText({ ...i, value: i.province.value })}${percent(i.id)} ${compared?.mark || ""}`) : null,
			i.as_of === today || isOld(i, today) ? null : el("span", { class: "muted" }, i.as_of),
			isOld(i, today) ? el("span", { class: "old" }, `${t("old")} ${i.as_of}`) : null,
			gaps ? el("span", { class: "muted" }, gaps) : null));
}

// --- what moved: the last whole day against a week before it ---

async function loadMoved(unit, today) {
	const from = dayPlus(today, -8), to = dayPlus(today, -1), path = `/api/v1/units/${unit.unit}/indicators/`;
	const lists = await Promise.all(unit.indicators.map((i) => get(`${path}${i.id}?from=${from}&to=${to}`)));
	view.recent = new Map(lists.map((answer) => (answer.body?.items || []).filter((i) => i.value !== null).pop()).filter(Boolean).map((i) => [i.id, i]));
	return lists.map((answer) => {
		const items = answer.body?.items || [], a = items[0], b = items[items.length - 1];
		if (!a || a.as_of !== from || b.as_of !== to || a.value === null || b.value === null || a.value === b.value)
			return null;
		return { id: b.id, from: a, to: b, share: Math.abs(b.value - a.value) / Math.max(Math.abs(a.value), Math.abs(b.value)) };
	}).filter(Boolean).sort((a, b) => b.share - a.share).slice(0, 6);
}

function movedPanel() {
	if (!view.moved)
		return null;
	const line = (m) => {
		const change = m.to.value - m.from.value;
		return el("li", {}, el("span", { class: "label" }, indicatorName(m.id)),
			el("span", { class: "delta" }, `${change > 0 ? "+" : "−"}${number(Math.abs(change), isPercent(m.id) ? 1 : undefined)}`),
			el("span", { class: "muted" }, `${valueText(m.from)} → ${valueText(m.to)}${percent(m.id)}`));
	};
	return [el("h3", {}, t("moved"), el("small", {}, t("movedNote"))),
		view.moved.length ? el("ul", { class: "moved" }, view.moved.map(line)) : el("p", { class: "muted" }, t("nothingMoved"))];
}

// --- history ---

const colour = (variable) => getComputedStyle(document.documentElement).getPropertyValue(variable).trim();

function line(label, values, tone, more) {
	return { label, data: values, borderColor: tone, backgroundColor: tone, borderWidth: 2, pointRadius: values.length > 40 ? 0 : 3, pointHitRadius: 12, tension: 0.2, ...more };
}

function draw(Chart, canvas, items) {
	const unitOf = percent(view.id), quiet = colour("--muted"), grid = colour("--line");
	const target = items.map((i) => (i.target ? Number(i.target.value) : null));
	const province = items.map((i) => (typeof i.province?.above === "boolean" || typeof i.province?.worse === "boolean" ? i.province.value : null));
	const sets = [line(indicatorName(view.id), items.map((i) => i.value), colour("--accent"))];
	if (province.some((v) => v !== null))
		sets.push(line(t("provinceAverage"), province, quiet, { borderWidth: 1.5, pointRadius: 0 }));
	if (target.some((v) => v !== null))
		sets.push(line(t("target"), target, colour("--bad"), { borderWidth: 1.5, borderDash: [6, 5], pointRadius: 0 }));
	view.chart?.destroy();
	Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
	view.chart = new Chart(canvas, {
		type: "line",
		data: { labels: items.map((i) => i.as_of), datasets: sets },
		options: {
			animation: false, maintainAspectRatio: false, interaction: { mode: "index", intersect: false },
			scales: {
				x: { ticks: { color: quiet, maxTicksLimit: canvas.parentNode.clientWidth < 500 ? 5 : 9, maxRotation: 0, callback: (_v, n) => items[n].as_of.slice(view.period === "day" ? 5 : 0) }, grid: { display: false } },
				y: { grace: "10%", ticks: { color: quiet, maxTicksLimit: 6, callback: (v) => number(v, Number.isInteger(v) ? 0 : undefined) + unitOf }, grid: { color: grid, drawBorder: false } },
			},
			plugins: { legend: { display: sets.length > 1, align: "end", labels: { color: quiet, boxWidth: 18, boxHeight: 1 } },
				tooltip: { callbacks: { label: (c) => `${c.dataset.label} ${number(c.parsed.y)}${unitOf}` } } },
		},
	});
}

function table(items) {
	return el("table", { class: "plain" }, el("thead", {}, el("tr", {}, el("th", {}, t("period")), el("th", { class: "number" }, t("value")))),
		el("tbody", {}, items.slice(-31).reverse().map((i) => el("tr", {}, el("td", {}, i.as_of), el("td", { class: "number" }, valueText(i) + percent(i.id))))));
}

async function history() {
	const asked = `${view.unit}/${view.id}/${view.period}`;
	const from = dayPlus(day(now()), -HISTORY_DAYS);
	const range = view.period === "day" ? `period=day&from=${from}&limit=1000` : "period=month&limit=1000";
	view.asked = asked;
	const [found, Chart] = await Promise.all([all(`/api/v1/units/${view.unit}/indicators/${view.id}?${range}`), chartLibrary()]);
	const first = (found || []).findIndex((i) => i.value !== null), items = found && found.slice(Math.max(0, first));
	const box = document.getElementById("history");
	if (!items || view.asked !== asked || !box)
		return;
	const key = asked + JSON.stringify(items.slice(-2)) + items.length + document.documentElement.dataset.theme + document.documentElement.lang;
	if (view.drawn === key && box.childElementCount)
		return;
	view.drawn = key;
	box.className = "history";
	if (!items.some((i) => i.value !== null))
		return box.replaceChildren(el("p", { class: "empty" }, t("noHistory")));
	if (!Chart) {
		box.className = "history table";
		return box.replaceChildren(table(items));
	}
	const canvas = el("canvas", { role: "img", "aria-label": `${indicatorName(view.id)} ${t("history")}` });
	box.replaceChildren(canvas);
	draw(Chart, canvas, items);
}

// --- the whole ---

function periodSwitch() {
	const button = (period, text) => el("button", { type: "button", "aria-pressed": String(view.period === period), onclick: () => {
		view.period = period;
		view.paint();
	} }, text);
	return el("div", { class: "switch" }, button("day", t("daily")), button("month", t("monthly")));
}

function frame() {
	put("main", el("div", { class: "panel unit" },
		el("a", { class: "back", href: "#/" }, "← ", t("back")), el("div", { id: "unit-head" }), el("div", { id: "chart-head", class: "bar" }),
		el("div", { id: "history", class: "history" }, el("p", { class: "empty" }, t("loading"))),
		el("div", { class: "under" }, el("div", { id: "tiles", class: "tiles" }), el("div", { id: "moved" }))));
	view.drawn = null;
}

function paint(unit, today) {
	const d = unit.designation;
	view.paint = () => paint(unit, today);
	const choose = (id) => {
		view.id = id;
		view.paint();
		document.getElementById("chart-head").scrollIntoView({ block: "nearest" });
	};
	put("unit-head", el("h2", {}, name(unit.name), badge(unit)),
		el("p", { class: "muted" }, `${unit.unit} · ${number(unit.sites)} ${t("sites")}`, d?.document ? [" · ", name(d.document)] : null, d?.effective_on ? ` · ${d.effective_on}` : ""));
	const shown = indicator(unit, view.id);
	put("chart-head", el("h3", {}, indicatorName(view.id)), el("span", { class: "value" }, shown ? valueText(shown) : "–", el("i", {}, shown ? percent(view.id) : "")),
		el("span", { class: "muted" }, shown ? `${t("asOf")} ${shown.as_of}` : ""), periodSwitch());
	put("tiles", unit.indicators.map((i) => tile(i, today, choose)));
	put("moved", movedPanel());
	return history();
}

export async function unitView(code, today, fresh) {
	const answer = await get("/api/v1/units/" + encodeURIComponent(code));
	if (location.hash !== "#/unit/" + code)
		return;
	if (answer.status !== 200)
		return answer.status ? put("main", el("div", { class: "panel" }, el("a", { class: "back", href: "#/" }, "← ", t("back")), el("p", { class: "empty" }, t("nothingFound")))) : undefined;
	if (fresh || view.unit !== code || !document.getElementById("tiles"))
		frame();
	if (view.unit !== code)
		[view.moved, view.recent] = [null, new Map()];
	view.unit = code;
	await paint(answer.body, today);
	if (!view.moved || fresh || view.movedOn !== today) {
		view.moved = await loadMoved(answer.body, today);
		view.movedOn = today;
		if (location.hash === "#/unit/" + code)
			await paint(answer.body, today);
	}
}
