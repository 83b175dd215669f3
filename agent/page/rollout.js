/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a service's rollout stands: a line each for its place, the judge, the guard, plain checks that do not pass,
 * and a share that is too small for the clients there are. */
"use strict";

const duration = known(value => {
	const whole = Math.ceil(value), [minutes, hours, days] = [60, 3600, 86400].map(unit => Math.floor(whole / unit));
	if (whole < 100)
		return `${whole} s`;
	if (hours < 1)
		return `${minutes} min ${whole % 60} s`;
	return days < 2 ? `${hours} h ${minutes % 60} min` : `${days} d ${hours % 24} h`;
});

const PAUSES = { user: "paused", manual: "paused until promoted", timed: "paused", hold: "held",
	reboot: "paused: the host was started anew" };
const isJudged = rollout => rollout.state === "progressing" || rollout.state === "paused";

/* "errors: 12 clients failed" */
function why(rollout) {
	const said = ["none", "user", undefined].includes(rollout.cause) || (rollout.reason || "").startsWith(rollout.cause);
	const cause = said ? "" : `, ${rollout.cause}`;
	return cause + (rollout.reason ? `: ${rollout.reason}` : "");
}

function place(rollout) {
	const name = rollout.version + (rollout.release ? ` (${rollout.release})` : "");
	if (!isJudged(rollout)) {
		const ends = { completed: `completed at ${weight(rollout.weight)}`, idle: "finished",
			rolled_back: `rolled back by ${rollout.by}`, aborted: `aborted by ${rollout.by}` };
		return `${name} ${ends[rollout.state] || rollout.state}${why(rollout)}`;
	}
	const doing = rollout.state === "progressing" ? "progressing" : PAUSES[rollout.pause] || "paused";
	const left = rollout.remaining_seconds > 0 ? `, ${duration(rollout.remaining_seconds)} left` : "";
	return `${name} ${doing}, step ${rollout.step} of ${rollout.steps} at ${weight(rollout.weight)}${left}${why(rollout)}`;
}

function sureness(judge) {
	const ratios = Object.entries(judge.checks || {}).filter(([, check]) => isKnown(check.ratio))
		.map(([name, check]) => `${name} ${Math.round(100 * check.ratio)}%`);
	return judge.finding + (ratios.length ? `: ${ratios.join(", ")} of the evidence that rolls back` : "");
}

/* [text, whether no new connection gets through] */
function guarding(guard) {
	if (guard.tripped)
		return ["tripped: the kernel sends no new connection there", true];
	if (guard.closed)
		return ["closed: no new connection goes there", true];
	const line = isKnown(guard.allowance) ?
		`, trips at ${Math.max(1, Math.ceil(guard.allowance))} more failed clients` : ", no line on errors";
	if (isKnown(guard.lease_seconds) && guard.lease_seconds <= 0)
		return [`armed${line}, lease over: no new connection goes there`, true];
	return [`armed${line}${isKnown(guard.lease_seconds) ? `, lease ${duration(guard.lease_seconds)}` : ""}`, false];
}

const FEW_CLIENTS = 3, ENOUGH_OPENED = 30;

/* As `serin status` has it: clients are drawn, connections are measured. Of N clients that are alike, a version with share w
 * gets the fraction m of the connections with a variance of w(1-w)/N: so m says how many there might be, wN of them on trial. */
function warning(service) {
	const trial = service.versions.find(version => version.name === service.rollout.version);
	if (!trial || service.affinity.by !== "source" || !isKnown(trial.measured))
		return null;
	const part = trial.weight / 10000, off = trial.measured - part;
	const opened = service.window_seconds * service.versions.reduce((sum, version) => sum + version.opened_per_second, 0);
	if (part <= 0 || part >= 1 || opened * part < ENOUGH_OPENED || off * off * FEW_CLIENTS <= part * part * (1 - part))
		return null;
	return `${trial.name} gets ${percent(trial.measured)} of the connections: ` +
		`${weight(trial.weight)} is a small share for so few clients`;
}

function showRollout(service) {
	const rollout = service.rollout, items = [], add = (label, text, isBad) => {
		const item = element("li", null, isBad ? { class: "out" } : {});
		item.append(element("b", label), " ", text);
		items.push(item);
	};
	if (service.baseline === null)
		add("baseline", `unknown: nobody is served until \`serin baseline ${service.name} VERSION\``, true);
	if (rollout && rollout.version) {
		add("rollout", place(rollout), rollout.state === "rolled_back");
		if (rollout.guard && rollout.guard.armed)
			add("guard", ...guarding(rollout.guard));
		if (isJudged(rollout) && rollout.judge)
			add("judge", sureness(rollout.judge), rollout.judge.finding === "regression");
		for (const check of (isJudged(rollout) && rollout.checks || []).filter(c => c.verdict !== "passed"))
			add("check", `${check.name} ${check.verdict}: ${check.reason}`, check.verdict === "failed");
		if (isJudged(rollout) && warning(service))
			add("warning", warning(service), true);
	}
	at("rollout").replaceChildren(...items);
}
