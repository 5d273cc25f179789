// SPDX-License-Identifier: MIT
// The list of cities: headline numbers against target and province.
import { dayPlus, el, name, number, put } from "./page.js";
import { get } from "./source.js";
import { designationName, indicatorName, isPercent, percent, t } from "./texts.js";

const COLUMNS = ["places_total", "places_per_1000", "enrolment_rate", "utilisation", "completeness"];
const RECENT_DAYS = 6; // back from today, for what is only counted when the day is over
const recent = new Map(); // unit/day → the last whole day's object, or null
const view = { search: "", sort: "watch", up: false };

export const indicator = (unit, id) => (unit.indicators || []).find((i) => i.id === id);

// Older than two days: a number of yesterday is today's normal.
export const isOld = (i, today) => i.as_of.length === 10 && i.as_of < dayPlus(today, -2);

export function valueText(i) {
	if (i.value === null || i.value === undefined)
		return "–";
	return number(i.value, isPercent(i.id) && i.value !== 100 && i.value !== 0 ? 1 : undefined);
}

// {mark, tone, words} of a value against its province; null where there is nothing to compare.
export function against(i) {
	const p = i.province;
	if (!p || p.value === null)
		return null;
	if (typeof p.above === "boolean")
		return p.above ? { mark: "▲", tone: "good", words: t("above") } : { mark: "▽", tone: "weak", words: t("below") };
	if (typeof p.worse === "boolean")
		return p.worse ? { mark: "▽", tone: "weak", words: t("worse") } : { mark: "▲", tone: "good", words: t("better") };
	return null;
}

// Reports of today are counted in the evening: until then the last day that has them is shown, and named.
export async function loadRecent(units, today) {
	const lacking = units.filter((u) => indicator(u, "completeness")?.value === null && !recent.has(u.unit + today)).slice(0, 40);
	await Promise.all(lacking.map(async (u) => {
		const answer = await get(`/api/v1/units/${u.unit}/indicators/completeness?from=${dayPlus(today, -RECENT_DAYS)}&to=${dayPlus(today, -1)}`);
		if (answer.status === 200)
			recent.set(u.unit + today, answer.body.items.filter((i) => i.value !== null).pop() || null);
	}));
}

function shownIndicator(unit, id, today) {
	const i = indicator(unit, id);
	return (i?.value === null && id === "completeness" && recent.get(unit.unit + today)) || i;
}

// The target that all have is said once, in the province's row.
function commonTarget(units, id) {
	const values = new Set(units.map((u) => indicator(u, id)?.target?.value));
	return values.size === 1 ? [...values][0] : undefined;
}

function targetText(i, common) {
	const text = t(i.target.met ? "met" : "unmet");
	return el("span", { class: i.target.met ? "good" : "unmet" }, common === i.target.value ? text : `${t("target")} ${i.target.value} ${text}`);
}

function cell(unit, id, today, common) {
	const i = shownIndicator(unit, id, today);
	if (!i || i.value === null)
		return el("td", { class: "number none", "data-label": indicatorName(id) }, "–", el("small", {}, i ? t(id === "completeness" ? "evening" : i.status === "insufficient" ? "insufficient" : "noData") : ""));
	const compared = against(i);
	return el("td", { class: "number", "data-label": indicatorName(id) },
		el("span", { class: "value" }, valueText(i), el("i", {}, percent(id)),
			el("span", { class: "mark " + (compared?.tone || ""), title: compared?.words, "aria-label": compared?.words }, compared?.mark || "")),
		el("small", {},
			i.target ? targetText(i, common) : null,
			i.as_of === today || isOld(i, today) ? null : el("span", {}, i.as_of.slice(5)),
			isOld(i, today) ? el("span", { class: "old" }, `${t("old")} ${i.as_of}`) : null));
}

export function badge(unit) {
	const d = unit.designation;
	return d && designationName(d.status) ? el("span", { class: "badge " + d.status }, designationName(d.status)) : null;
}

// How many of the nurseries behind the city's numbers have not reported lately (DOMAIN §2: fresh ≤ 7 days).
function oldReports(unit) {
	const i = indicator(unit, "places_total");
	return i?.stale ? el("small", {}, el("span", { class: "old" }, `${number(i.stale)} ${t("stale")}`)) : null;
}

function row(unit, today, common) {
	const href = "#/unit/" + unit.unit;
	return el("tr", { class: unit.open_alerts ? "alarmed" : null },
		el("th", { scope: "row" }, el("a", { href }, name(unit.name)), badge(unit), el("small", {}, `${unit.unit} · ${number(unit.sites)} ${t("sites")}`), oldReports(unit)),
		el("td", { class: "number count" + (unit.open_alerts ? "" : " zero"), "data-label": t("alertsOf") },
			unit.open_alerts ? el("span", { class: "pill" }, number(unit.open_alerts)) : "0",
			unit.open_cases ? el("small", {}, `${number(unit.open_cases)} ${t("openCases")}`) : null),
		COLUMNS.map((id) => cell(unit, id, today, common[id])));
}

function provinceRow(province, common) {
	if (!province || !(province.indicators || []).length)
		return null;
	return el("tr", { class: "province" },
		el("th", { scope: "row" }, t("provinceRow"), el("small", {}, name(province.name))), el("td", {}),
		COLUMNS.map((id) => {
			const i = province.indicators.find((x) => x.id === id);
			return el("td", { class: "number", "data-label": indicatorName(id) },
				el("span", { class: "value" }, i ? valueText(i) : "–", el("i", {}, i && i.value !== null ? percent(id) : ""), el("span", { class: "mark" })),
				el("small", {}, common[id] ? `${t("target")} ${common[id]}` : i && i.status !== "ok" ? t(id === "completeness" ? "evening" : "insufficient") : ""));
		}));
}

const keys = {
	watch: (u) => u.open_alerts * 1e6 + (u.indicators || []).length * 1000 + (u.designation?.status === "named" ? 500 : 0),
	name: (u) => u.unit,
	alerts: (u) => u.open_alerts,
};
const keyOf = (sort) => keys[sort] || ((u) => indicator(u, sort)?.value ?? null);

function sorted(units) {
	const key = keyOf(view.sort), sign = view.up ? 1 : -1;
	return units
		.filter((u) => !view.search || `${u.name} ${u.unit}`.toLowerCase().includes(view.search.toLowerCase()))
		.map((u) => [key(u), u])
		.sort(([a, x], [b, y]) => (a === null) - (b === null) || (a < b ? -sign : a > b ? sign : 0) || (x.unit < y.unit ? -1 : 1))
		.map(([, u]) => u);
}

function heading(sort, text, again) {
	const on = view.sort === sort;
	const turn = () => {
		view.up = on ? !view.up : sort === "name";
		view.sort = sort;
		again();
	};
	return el("th", { scope: "col", "aria-sort": on ? (view.up ? "ascending" : "descending") : "none" },
		el("button", { type: "button", onclick: turn }, text, el("span", { class: "sort" }, on ? (view.up ? "↑" : "↓") : "")));
}

function select(model, choose) {
	const options = [el("option", { value: "" }, t("allProvinces")), ...model.provinces.map((p) => el("option", { value: p.province }, p.name || p.province))];
	const box = el("select", { "aria-label": t("province"), onchange: (e) => choose(e.target.value) }, options);
	box.value = model.province || "";
	return box;
}

// The frame, once; the search field must not be exchanged under the fingers.
export function unitsFrame(model, choose) {
	const again = () => unitsRows(model, choose);
	const field = el("input", { type: "search", placeholder: t("search"), "aria-label": t("search"), oninput: (e) => {
		view.search = e.target.value;
		again();
	} });
	field.value = view.search;
	put("main", el("div", { class: "panel units" },
		el("div", { class: "bar" }, el("h2", {}, t("units")), el("span", { id: "count", class: "muted" }), el("div", { class: "tools" }, field, select(model, choose))),
		el("table", {}, el("thead", { id: "heads" }), el("tbody", { id: "rows" }))));
	again();
}

export function unitsRows(model, choose) {
	const again = () => unitsRows(model, choose);
	if (!document.getElementById("rows"))
		return;
	const units = model.units ? sorted(model.units) : [];
	put("count", model.units ? number(units.length) : "");
	put("heads", el("tr", {}, heading("name", t("unit"), again), heading("alerts", t("alertsOf"), again), COLUMNS.map((id) => heading(id, indicatorName(id), again))));
	const province = model.province ? model.provinces.find((p) => p.province === model.province) : null;
	const common = Object.fromEntries(COLUMNS.map((id) => [id, commonTarget(model.units || [], id)]));
	put("rows", view.search ? null : provinceRow(province, common), units.map((u) => row(u, model.today, common)),
		units.length ? null : el("tr", {}, el("td", { colspan: COLUMNS.length + 2, class: "empty" }, t(model.units ? "nothingFound" : "loading"))));
}
