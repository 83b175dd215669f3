// SPDX-License-Identifier: BSD-2-Clause
// An HTTP server on Node.js that answers "NAME ADDRESS 0\n", its name and the client's address as it sees it, at once or,
// asked for /wait/MS, after so many milliseconds. It never closes a connection by itself.
//
//     node server.js NAME [ADDRESS:]PORT...
'use strict';
const http = require('http');

const [name, ...places] = process.argv.slice(2);

function answer(request, response) {
	const wait = Number((/^\/wait\/(\d+)$/.exec(request.url) || [0, 0])[1]);
	const body = `${name} ${request.socket.remoteAddress.replace(/^::ffff:/, '')} 0\n`;

	response.setHeader('Content-Length', body.length);
	setTimeout(() => response.end(body), wait);
}

for (const place of places) {
	const [, address, port] = /^(?:\[?([^\]]*?)\]?:)?(\d+)$/.exec(place);
	const server = http.createServer({ keepAliveTimeout: 600000, requestTimeout: 0 }, answer);

	server.listen({ port: Number(port), host: address, backlog: 1024 });
}
