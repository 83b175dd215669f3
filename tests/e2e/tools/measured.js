// SPDX-License-Identifier: BSD-2-Clause
// An HTTP server on Node.js that measures itself as applications do: /metrics has what it has spent of a processor and what
// it has answered, with its version as a label. Every other request takes WAIT_MS, WORK_MS of a processor, and is answered
// 500 so many times of a hundred, drawn at random; PUT /FAIL_PERCENT/WAIT_MS/WORK_MS is how.
//
//     node measured.js NAME PORT
'use strict';
const http = require('http');

const [name, port] = process.argv.slice(2);
const version = name.replace(/-.*/, '');
const answered = { 200: 0, 500: 0 };
let percent = 0, wait = 0, work = 0;

function spent() {
	const { user, system } = process.cpuUsage();

	return (user + system) / 1e6;
}

function metrics() {
	const counts = Object.entries(answered).map(
		([code, count]) => `http_requests_total{version="${version}",code="${code}"} ${count}\n`);

	return '# TYPE process_cpu_seconds_total counter\n' +
		`process_cpu_seconds_total{version="${version}"} ${spent()}\n` +
		'# TYPE http_requests_total counter\n' + counts.join('');
}

function labour() {
	const end = spent() + work / 1000;

	while (spent() < end)
		;
}

http.createServer({ keepAliveTimeout: 60000 }, (request, response) => {
	if (request.url === '/metrics') {
		response.setHeader('Content-Type', 'text/plain; version=0.0.4');
		response.end(metrics());
		return;
	}
	if (request.method === 'PUT') {
		[percent, wait, work] = request.url.slice(1).split('/').map(Number);
		response.end();
		return;
	}
	const code = Math.random() * 100 < percent ? 500 : 200;

	answered[code]++; // now, as what it costs is spent now
	labour();
	setTimeout(() => {
		response.writeHead(code);
		response.end(`${name}\n`);
	}, wait);
}).listen(Number(port));
