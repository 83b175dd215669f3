// SPDX-License-Identifier: BSD-2-Clause
// Drives a headless Chromium through its debugging pipe: one command per line on stdin, one line of JSON back for each.
//
//     node browser.js CHROMIUM PROFILE-DIRECTORY
//     open URL | eval EXPRESSION | wait EXPRESSION | key NAME | size WIDTH HEIGHT | media dark|light | shot FILE
//     requests | errors | quit
"use strict";

const { spawn } = require("child_process");
const { writeFileSync } = require("fs");
const readline = require("readline");

const PATIENCE_MS = 15000;
const KEYS = { Tab: 9, Enter: 13, ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40, Home: 36, End: 35, Escape: 27 };

const [program, profile] = process.argv.slice(2);
const browser = spawn(program, ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
	"--disable-background-networking", "--disable-component-update", "--disable-extensions", "--mute-audio",
	"--hide-scrollbars", `--user-data-dir=${profile}`, "--remote-debugging-pipe", "about:blank"],
	{ stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
const pending = new Map(), requests = [], errors = [];
let number = 0, session, rest = "";

browser.on("exit", () => {
	console.log('"gone"');
	process.exit(1);
});

// Every answer and event is a JSON text that ends with a NUL.
browser.stdio[4].on("data", bytes => {
	const parts = (rest + bytes).split("\0");
	rest = parts.pop();
	parts.forEach(part => receive(JSON.parse(part)));
});

function receive({ id, error, result, method, params }) {
	if (id) {
		const { resolve, reject } = pending.get(id);
		pending.delete(id);
		if (error)
			reject(new Error(error.message));
		else
			resolve(result);
	} else if (method === "Network.requestWillBeSent") {
		requests.push(params.request.url);
	} else if (method === "Runtime.exceptionThrown") {
		errors.push(params.exceptionDetails.exception?.description || params.exceptionDetails.text);
	} else if (method === "Log.entryAdded" && params.entry.level === "error") {
		errors.push(params.entry.text);
	}
}

function send(method, params = {}) {
	return new Promise((resolve, reject) => {
		pending.set(++number, { resolve, reject });
		browser.stdio[3].write(JSON.stringify({ id: number, method, params, sessionId: session }) + "\0");
	});
}

async function evaluate(expression) {
	const { result, exceptionDetails } = await send("Runtime.evaluate",
		{ expression, returnByValue: true, awaitPromise: true });
	if (exceptionDetails)
		throw new Error(exceptionDetails.exception?.description || exceptionDetails.text);
	return result.value ?? null;
}

async function wait(expression) {
	const end = Date.now() + PATIENCE_MS;
	while (Date.now() < end) {
		const value = await evaluate(expression).catch(() => false); // what it is about may be yet to come
		if (value)
			return value;
		await new Promise(done => setTimeout(done, 50));
	}
	return false;
}

async function press(key) {
	const what = { key, code: key, windowsVirtualKeyCode: KEYS[key] };
	const text = key === "Enter" ? { type: "keyDown", text: "\r" } : { type: "rawKeyDown" };
	await send("Input.dispatchKeyEvent", { ...text, ...what });
	await send("Input.dispatchKeyEvent", { type: "keyUp", ...what });
}

// The whole page, not only what is in view.
async function shoot(file) {
	const { cssContentSize } = await send("Page.getLayoutMetrics");
	const clip = { x: 0, y: 0, width: await evaluate("innerWidth"), height: cssContentSize.height, scale: 1 };
	const { data } = await send("Page.captureScreenshot", { clip, captureBeyondViewport: true });
	writeFileSync(file, Buffer.from(data, "base64"));
	return [clip.width, clip.height];
}

const commands = {
	open: url => send("Page.navigate", { url }),
	eval: evaluate,
	wait,
	key: press,
	size: text => {
		const [width, height] = text.split(" ").map(Number);
		return send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
	},
	media: value => send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] }),
	shot: shoot,
	requests: () => requests,
	errors: () => errors,
	quit: () => send("Browser.close").then(() => new Promise(() => {})), // its exit is the answer
};

async function main() {
	const { targetInfos } = await send("Target.getTargets");
	const page = targetInfos.find(target => target.type === "page");
	({ sessionId: session } = await send("Target.attachToTarget", { targetId: page.targetId, flatten: true }));
	for (const domain of ["Page", "Runtime", "Network", "Log"])
		await send(domain + ".enable");
	for await (const line of readline.createInterface({ input: process.stdin })) {
		const [, command, argument] = line.match(/^(\S+) ?(.*)$/);
		try {
			console.log(JSON.stringify(await commands[command](argument) ?? null));
		} catch (error) {
			console.log(JSON.stringify({ error: error.message }));
		}
	}
}

main().catch(error => console.error(error)).finally(() => browser.kill());
