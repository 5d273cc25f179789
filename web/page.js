// SPDX-License-Identifier: MIT
// Elements, numbers and times. Text of strangers enters the page here and only as text: no HTML is ever parsed.

export function el(tag, attributes, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes || {})) {
		if (name.startsWith("on"))
			node.addEventListener(name.slice(2), value);
		else if (value === true)
			node.setAttribute(name, "");
		else if (value !== null && value !== undefined && value !== false)
			node.setAttribute(name, value);
	}
	node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
	return node;
}

// A nursery and what the page knows of it.
export const siteLink = (site) => el("a", { href: "#/site/" + encodeURIComponent(site) }, name(site));

// A name may turn the direction of writing: it must not turn its neighbours'.
export const name = (text) => el("bdi", {}, text || "–");

// What has not changed stays the same element: a click or a focus on it survives the next look at the numbers.
export function put(id, ...children) {
	const node = document.getElementById(id), fresh = children.flat().filter((child) => child);
	if (node.childNodes.length !== fresh.length || fresh.some((child) => typeof child === "string"))
		return node.replaceChildren(...fresh);
	[...node.childNodes].forEach((old, i) => old.isEqualNode(fresh[i]) || old.replaceWith(fresh[i]));
	return undefined;
}

const prefs = { lang: null, theme: null };

function stored(key) {
	try {
		return localStorage.getItem("nurseryd." + key);
	} catch {
		return null; // storage is switched off: the switch lasts as long as the page
	}
}

export function pref(key) {
	return prefs[key] || stored(key);
}

export function setPref(key, value) {
	prefs[key] = value;
	try {
		localStorage.setItem("nurseryd." + key, value);
	} catch {
		// as above
	}
}

export const lang = () => pref("lang") || (navigator.language.startsWith("zh") ? "zh" : "en");
const locale = () => (lang() === "zh" ? "zh-CN" : "en-GB");

export function number(value, digits) {
	if (value === null || value === undefined)
		return "–";
	const most = digits ?? (Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2);
	return new Intl.NumberFormat(locale(), { minimumFractionDigits: most, maximumFractionDigits: most }).format(value);
}

// Every time on the page is Shanghai's, as in the contract, wherever the screen stands.
const shown = (options) => (ms) => new Intl.DateTimeFormat(locale(), { timeZone: "Asia/Shanghai", ...options }).format(ms);
export const clock = shown({ hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
export const moment = shown({ month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
export const day = (ms) => new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai" }).format(ms);

export const dayPlus = (text, days) => new Date(Date.parse(text + "T00:00:00Z") + days * 86400000).toISOString().slice(0, 10);

// 75 → "1:15", 3900 → "1:05:00"; always positive.
export function span(ms) {
	const s = Math.floor(Math.abs(ms) / 1000);
	const two = (n) => String(n).padStart(2, "0");
	return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}
