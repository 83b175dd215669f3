/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the API in rounds, and has shown what it says. */
"use strict";

const ROUND_MS = 2000;
const EVENTS = 20;

async function ask(path) {
	const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
	const json = await answer.json();
	if (!answer.ok)
		throw new Error(json.error ? json.error.message : `HTTP status ${answer.status}`);
	return json;
}

function choose() {
	const wanted = state.services.find(service => "#" + encodeURIComponent(service) === location.hash);
	const name = wanted || state.services[0] || null;
	if (name === state.name)
		return false;
	Object.assign(state, { name, service: null, points: [], events: [] });
	CHARTS.forEach(chart => { chart.cursor = null; });
	return true;
}

async function askServices() {
	const answer = await ask("v1/services?backends=no");
	state.services = answer.services.map(service => service.name);
	choose();
	showServices();
}

async function askService(name) {
	const path = "v1/services/" + encodeURIComponent(name);
	const after = state.points.length ? end() : 0;
	const [service, history, events] = await Promise.all([ask(path), ask(`${path}/history?after=${after}`),
		ask(`v1/events?limit=${EVENTS}&service=${encodeURIComponent(name)}`)]);
	if (name !== state.name)
		return; /* another one was chosen meanwhile */
	const points = state.points.concat(history.points);
	const from = points.length ? points[points.length - 1].t - SPAN : 0;
	const kept = points.filter(point => point.t > from), gone = points.length - kept.length;
	for (const chart of CHARTS) /* the cursor stays where it was in time */
		if (chart.cursor !== null)
			chart.cursor = Math.max(0, chart.cursor - gone);
	Object.assign(state, { service, events: events.events, step: history.step, points: kept });
	showService(service);
	showEvents();
	CHARTS.forEach(draw);
}

function showHealth(text, isAway) {
	if (at("health").textContent !== text)
		at("health").textContent = text;
	at("health").classList.toggle("away", isAway);
}

async function round() {
	try {
		/* Services come and go with a reload. */
		if (!state.name || state.round++ % 15 === 0)
			await askServices();
		document.querySelector("main").hidden = !state.name;
		if (state.name)
			await askService(state.name);
		showHealth(state.name ? "live" : "no services", false);
	} catch (error) {
		state.round = 0;
		showHealth(`what is shown is old: ${error.message}`, true);
	}
}

/* One round after the other, and none while nobody looks. */
async function run() {
	for (;;) {
		if (!document.hidden)
			await round();
		await new Promise(done => { state.wake = done; setTimeout(done, ROUND_MS); });
	}
}

addEventListener("hashchange", () => {
	if (choose()) {
		showServices();
		state.wake?.();
	}
});
document.addEventListener("visibilitychange", () => state.wake?.());
makeCharts();
run();
