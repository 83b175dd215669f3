/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of the chosen service, and its table and decisions. Nothing that comes from the API is read as HTML. */
"use strict";

const REASONS = [["refused", "refused"], ["timeout", "timeout"], ["reset", "reset"], ["unanswered", "unanswered"],
	["unreachable", "unreachable"], ["http_5xx", "5xx"]];

const at = id => document.getElementById(id);
const state = { services: [], name: null, service: null, points: [], step: 5, events: [], quantile: "p95", round: 0 };

function element(tag, text, attributes = {}) {
	const node = document.createElement(tag);
	if (text !== null)
		node.textContent = text;
	for (const [key, value] of Object.entries(attributes))
		node.setAttribute(key, value);
	return node;
}

function drawn(tag, attributes, text = null) {
	const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
	for (const [key, value] of Object.entries(attributes))
		node.setAttribute(key, value);
	if (text !== null)
		node.textContent = text;
	return node;
}

/* ---- texts; what is unknown is "-" ---- */

const isKnown = value => typeof value === "number" && isFinite(value);
const known = format => value => isKnown(value) ? format(value) : "-";
const digits = value => value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
const percent = known(value => (100 * value).toFixed(1) + "%");
const share = known(value => value > 0 && value < 0.0001 ? "<0.01%" :
	(100 * value).toFixed(value > 0 && value < 1 ? 2 : 0) + "%");
const weight = known(value => (value / 100).toString() + "%");
const rate = known(value => value >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 100 || !value ? 0 : 1));
const count = known(value => value.toLocaleString("en"));
const seconds = known(value => {
	if (value < 0.0009995)
		return (1e6 * value).toFixed(0) + " µs";
	if (value < 0.9995)
		return (1e3 * value).toFixed(digits(1e3 * value)) + " ms";
	return value.toFixed(digits(value)) + " s";
});

/* ---- the table ---- */

const inWindow = read => version => version.window ? read(version.window) : undefined;
const times = (kind, quantile) => inWindow(w => w[kind] ? w[kind][quantile] : undefined);
const failures = inWindow(w => w.of > 0 ? w.failure_ratio : undefined);

const ROWS = [
	["share set", v => weight(v.weight)],
	["measured", v => percent(v.measured), v => isKnown(v.measured_low) && isKnown(v.measured_high) ?
		(100 * v.measured_low).toFixed(1) + "–" + percent(v.measured_high) : ""],
	["requests/s", v => rate(inWindow(w => w.requests_per_second)(v))],
	["connections/s", v => rate(v.window ? v.window.connections_per_second : v.opened_per_second)],
	["failed", v => share(failures(v))],
	...REASONS.map(([key, label]) => [label, v => share(reasonShare(v, key)), null, key]),
	["answer p50", v => seconds(times("response", "p50")(v))],
	["answer p95", v => seconds(times("response", "p95")(v))],
	["answer p99", v => seconds(times("response", "p99")(v))],
	["handshake p95", v => seconds(times("handshake", "p95")(v))],
	["active flows", v => count(v.active)],
	["clients failed", v => count(v.incident_clients)],
];

function reasonShare(version, key) {
	const w = version.window;
	return w && w.of > 0 && w.failures_per_second ? w.failures_per_second[key] * w.seconds / w.of : undefined;
}

/* Wilson's interval, 95 %: the lower end. */
function lowerBound(hits, of) {
	const z2 = 1.959964 ** 2, p = hits / of;
	return (p + z2 / (2 * of) - 1.959964 * Math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))) / (1 + z2 / of);
}

function isWorse(version, baseline) {
	const w = version.window;
	return version !== baseline && w && w.of > 0 && w.failed <= w.of && isKnown(failures(baseline)) &&
		lowerBound(w.failed, w.of) > failures(baseline);
}

function showVersions(service) {
	const baseline = service.versions.find(v => v.role === "baseline") || service.versions[0];
	const head = element("tr", null), rows = [];
	head.append(element("td", null));
	service.versions.forEach((version, i) => {
		const cell = element("th", null, { scope: "col" });
		cell.append(sample(i), version.name, element("span", version.role, { class: "role" }));
		head.append(cell);
	});
	for (const [label, text, more, reason] of ROWS) {
		if (reason && !service.versions.some(v => reasonShare(v, reason) > 0))
			continue; /* a row of zeros tells what the one above it says */
		const row = element("tr", null);
		row.append(element("th", label, { scope: "row", class: reason ? "part" : "" }));
		for (const version of service.versions) {
			const worse = label === "failed" && isWorse(version, baseline);
			const cell = element("td", text(version), worse ? { class: "worse" } : {});
			if (worse)
				cell.title = "above the baseline's, beyond chance";
			if (more && more(version))
				cell.append(element("span", more(version), { class: "interval" }));
			row.append(cell);
		}
		rows.push(row);
	}
	at("versions").replaceChildren(head);
	at("rows").replaceChildren(...rows);
}

/* ---- who is out, and where backends come from ---- */

const OUT = 5; /* of a version; the others are counted */

function howOut(backend) {
	if (backend.drained)
		return "drained";
	if (backend.state && backend.state !== "up")
		return backend.why ? `out: ${backend.why}` : "out";
	return null;
}

function showBackends(service) {
	const items = [], add = (version, text, isBad) => {
		const item = element("li", null, isBad ? { class: "out" } : {});
		item.append(element("b", version.name), " ", text);
		items.push(item);
	};
	for (const version of service.versions) {
		const out = (version.backends || []).filter(backend => !backend.leaving && howOut(backend));
		for (const backend of out.slice(0, OUT))
			add(version, `${backend.address} ${howOut(backend)}`, true);
		if (out.length > OUT)
			add(version, `and ${out.length - OUT} more`, true);
	}
	for (const version of service.versions.filter(v => v.source))
		add(version, `from ${version.source.text}`, !version.source.ok);
	at("backends").replaceChildren(...items);
}

function showService(service) {
	const changed = service.changed || {};
	at("name").textContent = service.name;
	at("about").textContent = `${service.protocol} ${service.listen.join(", ")}, forward ${service.forward}, ` +
		`generation ${service.generation}, ${changed.what || "set"} by ${changed.by || "?"} at ${changed.at || "?"}` +
		(changed.reason ? `: ${changed.reason}` : "");
	at("window").textContent = `measured over the last ${Math.round(service.window_seconds)} s, shares with their 95% interval`;
	document.title = `serin: ${service.name}`;
	showRollout(service);
	showVersions(service);
	showBackends(service);
}

function showServices() {
	at("services").replaceChildren(...state.services.map(name => {
		const item = element("li", null), link = element("a", name, { href: "#" + encodeURIComponent(name) });
		if (name === state.name)
			link.setAttribute("aria-current", "page");
		item.append(link);
		return item;
	}));
}

function showEvents() {
	at("events").replaceChildren(...state.events.slice().reverse().map(event => {
		const item = element("li", null, { class: event.kind });
		const time = element("time", event.time.slice(11, 19), { datetime: event.time });
		const who = event.by ? `, by ${event.by}` + (event.reason ? `: ${event.reason}` : "") : "";
		time.title = event.time;
		item.append(time, element("span", event.kind, { class: "kind" }), event.text + who);
		return item;
	}));
}
