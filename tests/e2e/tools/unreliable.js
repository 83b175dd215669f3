// SPDX-License-Identifier: BSD-2-Clause
// An HTTP server on Node.js that fails as often as it is told to: so many requests of a hundred are answered 500, drawn at
// random. It writes a line per request into LOG, with the status that it gave and the milliseconds that it took.
//
//     node unreliable.js NAME PORT PERCENT LOG
'use strict';
const fs = require('fs');
const http = require('http');

const [name, port, percent, log] = process.argv.slice(2);
const file = fs.openSync(log, 'a');

http.createServer({ keepAliveTimeout: 60000 }, (request, response) => {
	const begin = process.hrtime.bigint();
	const code = Math.random() * 100 < Number(percent) ? 500 : 200;
	const body = `${name}\n`;

	response.writeHead(code, { 'Content-Length': body.length });
	response.end(body);
	fs.writeSync(file, `${code} ${Number(process.hrtime.bigint() - begin) / 1e6}\n`);
}).listen(Number(port));
