/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a service's rollout stands: a line each for its place, the judge, the guard and plain checks that do not pass. */
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

function showRollout(service) {
	const rollout = service.rollout, items = [], add = (label, text, isBad) => {
		const item = element("li", null, isBad ? { class: "out" } : {});
		item.append(element("b", label), " ", text);
		items.push(item);
	};
	if (rollout && rollout.version) {
		add("rollout", place(rollout), rollout.state === "rolled_back");
		if (rollout.guard && rollout.guard.armed)
			add("guard", ...guarding(rollout.guard));
		if (isJudged(rollout) && rollout.judge)
			add("judge", sureness(rollout.judge), rollout.judge.finding === "regression");
		for (const check of (isJudged(rollout) && rollout.checks || []).filter(c => c.verdict !== "passed"))
			add("check", `${check.name} ${check.verdict}: ${check.reason}`, check.verdict === "failed");
	}
	at("rollout").replaceChildren(...items);
}
