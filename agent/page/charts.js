/* SPDX-License-Identifier: BSD-2-Clause */
/* Charts of the last 15 minutes, drawn as SVG. */
"use strict";

const SPAN = 15 * 60; /* seconds that they show */
const MARGIN = { left: 54, right: 8, top: 8, bottom: 20 };

const CHARTS = [
	{ title: "Share of new connections (dashed: as set)", read: v => v.measured, set: v => v.weight / 10000,
		text: percent, top: 1 },
	{ title: "Requests per second", read: v => v.rps, text: rate, least: 1 },
	{ title: "Failed", read: v => v.failure_ratio, text: share, least: 0.01 },
	{ title: "Answer time", read: v => v[state.quantile], text: seconds, least: 0.001,
		name: () => `Answer time, ${state.quantile}` },
];

/* Colours alone tell some people nothing. */
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "5 5", "12 4", "1 4", "9 2 1 2 1 2"];

function sample(i) {
	const svg = drawn("svg", { viewBox: "0 0 22 10", "aria-hidden": "true" });
	const span = element("span", null, { class: "key" });
	svg.append(drawn("path", { d: "M0 5H22", class: `v${i % 8}`, "stroke-dasharray": DASHES[i % 8] }));
	span.append(svg);
	return span;
}

/* The next 1, 2, 2.5 or 5 of a power of ten. */
function roundUp(value) {
	const unit = 10 ** Math.floor(Math.log10(value));
	return [1, 2, 2.5, 5, 10].find(step => value <= step * unit * 1.000001) * unit;
}

const end = () => state.points.length ? state.points[state.points.length - 1].t : Math.floor(Date.now() / 1000);
const names = () => state.service ? state.service.versions.map(v => v.name) : [];
const valueAt = (chart, point, name) => point.versions[name] ? chart.read(point.versions[name]) : undefined;

function topOf(chart) {
	if (chart.top)
		return chart.top;
	let most = chart.least;
	for (const point of state.points)
		for (const name of names())
			most = Math.max(most, isKnown(valueAt(chart, point, name)) ? valueAt(chart, point, name) : 0);
	return roundUp(most);
}

/* A line is broken where nothing is known. */
function pathOf(points, read, x, y) {
	let d = "", last = null;
	for (const point of points) {
		const value = read(point);
		if (!isKnown(value)) {
			last = null;
			continue;
		}
		const joined = last !== null && point.t - last <= 1.5 * state.step;
		d += `${joined ? "L" : "M"}${x(point.t).toFixed(1)} ${y(value).toFixed(1)}${joined ? "" : "h0.01"}`;
		last = point.t;
	}
	return d;
}

function drawGrid(chart, size, top, x, y) {
	const group = drawn("g", {});
	for (const part of [0, 0.5, 1]) {
		group.append(drawn("line", { class: "grid", x1: MARGIN.left, x2: size.width - MARGIN.right,
			y1: y(part * top), y2: y(part * top) }));
		group.append(drawn("text", { x: MARGIN.left - 5, y: y(part * top) + 4, "text-anchor": "end" },
			part ? chart.text(part * top) : "0"));
	}
	for (const minutes of [15, 10, 5, 0])
		group.append(drawn("text", { x: x(end() - 60 * minutes), y: size.height - 5,
			"text-anchor": minutes === 15 ? "start" : minutes ? "middle" : "end" },
			minutes ? `−${minutes} min` : "now"));
	for (const event of state.events) {
		const t = Date.parse(event.time) / 1000;
		if ((event.kind === "weight" || event.kind === "rollback") && t > end() - SPAN && t <= end())
			group.append(drawn("line", { class: "change", x1: x(t), x2: x(t), y1: MARGIN.top,
				y2: size.height - MARGIN.bottom }));
	}
	return group;
}

function drawLines(chart, x, y) {
	const group = drawn("g", { class: "lines" });
	names().forEach((name, i) => {
		if (chart.set)
			group.append(drawn("path", { class: `set v${i % 8}`,
				d: pathOf(state.points, p => p.versions[name] && chart.set(p.versions[name]), x, y) }));
		group.append(drawn("path", { class: `v${i % 8}`, "stroke-dasharray": DASHES[i % 8],
			d: pathOf(state.points, p => valueAt(chart, p, name), x, y) }));
	});
	return group;
}

/* The values under the cursor, or the newest. */
function showValues(chart) {
	const point = state.points[chart.cursor ?? state.points.length - 1];
	const values = names().map((name, i) => {
		const span = element("span", null, { class: "key" });
		span.append(sample(i), `${name} ${point ? chart.text(valueAt(chart, point, name)) : "-"}`);
		return span;
	});
	const title = chart.name ? chart.name() : chart.title;
	const when = chart.cursor === null || !point ? "" : `, ${new Date(1000 * point.t).toLocaleTimeString()}`;
	chart.caption.replaceChildren(element("strong", title + when), ...values);
	chart.svg.setAttribute("aria-label", `${title}${when}: ${values.map(v => v.textContent).join(", ")}`);
}

function draw(chart) {
	const size = { width: chart.svg.clientWidth, height: chart.svg.clientHeight };
	if (!size.width)
		return;
	if (chart.cursor !== null && chart.cursor >= state.points.length)
		chart.cursor = null;
	const top = topOf(chart), room = size.width - MARGIN.left - MARGIN.right;
	const x = t => MARGIN.left + room * (1 - (end() - t) / SPAN);
	const y = value => MARGIN.top + (size.height - MARGIN.top - MARGIN.bottom) * (1 - value / top);
	chart.svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
	chart.svg.replaceChildren(drawGrid(chart, size, top, x, y), drawLines(chart, x, y));
	if (chart.cursor !== null) {
		const at = x(state.points[chart.cursor].t);
		chart.svg.append(drawn("line", { class: "cursor", x1: at, x2: at, y1: MARGIN.top,
			y2: size.height - MARGIN.bottom }));
	}
	showValues(chart);
}

function move(chart, cursor) {
	const last = state.points.length - 1;
	chart.cursor = cursor === null || last < 0 ? null : Math.max(0, Math.min(last, cursor));
	draw(chart);
}

function onKey(chart, event) {
	const last = state.points.length - 1, here = chart.cursor ?? last;
	const to = { ArrowLeft: here - 1, ArrowRight: here + 1, PageUp: here - 12, PageDown: here + 12, Home: 0, End: last,
		Escape: null }[event.key];
	if (to === undefined)
		return;
	event.preventDefault();
	move(chart, to);
}

function onPointer(chart, event) {
	const box = chart.svg.getBoundingClientRect();
	const part = (event.clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right);
	const t = end() - SPAN * (1 - part);
	let nearest = 0;
	state.points.forEach((point, i) => {
		if (Math.abs(point.t - t) < Math.abs(state.points[nearest].t - t))
			nearest = i;
	});
	move(chart, nearest);
}

function makeCharts() {
	for (const chart of CHARTS) {
		const figure = element("figure", null);
		chart.caption = element("figcaption", null);
		chart.svg = drawn("svg", { role: "img", tabindex: "0" });
		chart.cursor = null;
		chart.svg.addEventListener("keydown", event => onKey(chart, event));
		chart.svg.addEventListener("pointermove", event => onPointer(chart, event));
		chart.svg.addEventListener("pointerleave", () => move(chart, null));
		chart.svg.addEventListener("blur", () => move(chart, null));
		figure.append(chart.caption, chart.svg);
		at("charts").append(figure);
		new ResizeObserver(() => draw(chart)).observe(figure);
	}
	at("quantiles").addEventListener("change", event => {
		state.quantile = event.target.value;
		CHARTS.forEach(draw);
	});
}
