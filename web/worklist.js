// SPDX-License-Identifier: MIT
// What to look after and is no alert (GET /worklist): of the city in view, else of all, and then the first page only.
import { el, lang, name, number, siteLink } from "./page.js";
import { get, now, source } from "./source.js";
import { t } from "./texts.js";

const FRESH_MS = 60000; // it changes with the day's reports, and a look at a whole country is work
const PAGES_MAX = 5;
const SHOWN = 3; // of a kind

const heap = { unit: null, token: null, at: 0, items: null, more: false, asking: false };

// true: there is something new to show.
export async function loadWorklist(unit) {
	if (heap.asking || (heap.unit === unit && heap.token === source.token && now() - heap.at < FRESH_MS))
		return false;
	heap.asking = true;
	const items = [], filter = unit ? "&unit=" + unit : "";
	let after = "", answer = null;
	for (let page = 0; page < (unit ? PAGES_MAX : 1) && after !== null; page++) {
		answer = await get("/api/v1/worklist?limit=1000" + filter + (after ? "&after=" + encodeURIComponent(after) : ""));
		if (answer.status !== 200)
			break;
		items.push(...answer.body.items);
		after = answer.body.next;
	}
	heap.asking = false;
	if (answer.status !== 200)
		return false;
	Object.assign(heap, { unit, token: source.token, at: now(), items, more: after !== null });
	return true;
}

function kindLines(items) {
	const first = items[0];
	const site = (i) => el("li", {}, el("code", {}, siteLink(i.site)), i.feed ? el("span", { class: "tag" }, i.feed) : null, el("small", { class: "muted" }, `${t("since")} ${i.since}`));
	return el("li", { class: "work" }, el("p", {}, lang() === "zh" ? first.zh : first.en, " ", el("b", { class: "number" }, number(items.length) + (heap.more ? "+" : ""))),
		first.site ? el("ul", { class: "lines" }, items.slice(0, SHOWN).map(site)) : null);
}

export function worklistPanel(model, unit) {
	const items = heap.unit === unit && heap.items ? heap.items : [];
	const kinds = [...new Set(items.map((i) => i.kind))];
	return el("div", { class: "panel", id: "worklist" }, el("h2", {}, t("worklist"), el("small", {}, name(unit ? model.names.get(unit) || unit : t("allProvinces")))),
		kinds.length ? el("ul", { class: "lines" }, kinds.map((kind) => kindLines(items.filter((i) => i.kind === kind)))) :
			el("p", { class: "muted" }, t(heap.unit === unit && heap.items && !heap.more ? "noWork" : "loading")),
		kinds.length && !items[0].site ? el("p", { class: "muted" }, t("sitesNeedRole")) : null);
}
