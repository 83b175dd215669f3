// SPDX-License-Identifier: BSD-2-Clause
// An HTTP client on Node.js that keeps its connections: `agent` is http.Agent, `fetch` what Node.js has built in (undici).
// For each PATH it makes COUNT requests at a time and writes DIRECTORY/done.N, {"answers": {NAME: COUNT}, "failed": N,
// "errors": [...]}; with every PATH but the first it waits for a file DIRECTORY/go.N. Nothing is asked twice.
//
//     node keepalive.js agent|fetch URL COUNT DIRECTORY PATH...
'use strict';
const fs = require('fs');
const http = require('http');

const [kind, url, count, directory, ...paths] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 10000 });

function askByAgent(path) {
	return new Promise((resolve, reject) => {
		const request = http.get(url + path, { agent }, (response) => {
			let text = '';

			response.setEncoding('utf8');
			response.on('data', (piece) => { text += piece; });
			response.on('end', () => resolve(text));
			response.on('error', reject);
		});

		request.on('error', reject);
	});
}

async function askByFetch(path) {
	return (await fetch(url + path)).text();
}

async function round(number, path) {
	const ask = kind === 'agent' ? askByAgent : askByFetch;
	const results = await Promise.allSettled(Array.from({ length: Number(count) }, () => ask(path)));
	const report = { answers: {}, failed: 0, errors: [] };

	for (const { status, value, reason } of results) {
		if (status === 'fulfilled') {
			const name = value.split(' ')[0];

			report.answers[name] = (report.answers[name] || 0) + 1;
		} else {
			report.failed++;
			report.errors.push(String((reason.cause || reason).code || reason));
		}
	}
	report.errors = [...new Set(report.errors)];
	fs.writeFileSync(`${directory}/part.${number}`, JSON.stringify(report));
	fs.renameSync(`${directory}/part.${number}`, `${directory}/done.${number}`);
}

async function main() {
	for (const [number, path] of paths.entries()) {
		while (number > 0 && !fs.existsSync(`${directory}/go.${number}`))
			await new Promise((resolve) => { setTimeout(resolve, 10); });
		await round(number, path);
	}
	process.exit(0);
}

main();
