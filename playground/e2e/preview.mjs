// Serves the local build under the server's content security policy, in front of a running Sluice,
// so that the app can be tried and tested without building the server anew.
//
//   npm run build && npm run preview -- [--port 8090] [--api http://127.0.0.1:8080]
import { readFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' },
    api: { type: 'string', default: 'http://127.0.0.1:8080' },
  },
});
const DIST = fileURLToPath(new URL('../dist', import.meta.url));
/** What the server answers itself. */
const API =
  /^\/(q|graphql|upload|inspect|rejects|export|snippets|openapi\.json|openapi\.yaml|schema\.graphql|documents|sign-in|healthz|readyz)\b/;
const CONTENT_TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
};
/** The policy of the server's own pages, so that both are the same. */
const POLICY = (await fetch(options.api)).headers.get('content-security-policy');

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
server.on('upgrade', upgrade);
server.listen(Number(options.port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});

async function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (API.test(pathname)) return forward(request, response);
  const path = extname(pathname) === '' ? '/index.html' : normalize(pathname);
  const content = await readFile(join(DIST, path)).catch(() => null);
  if (content === null) return response.writeHead(404).end();
  response.writeHead(200, {
    'content-type': CONTENT_TYPES[extname(path)] ?? 'application/octet-stream',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
  });
  response.end(content);
}

function forward(request, response) {
  const { url, method, headers } = request;
  const onward = httpRequest(new URL(url, options.api), { method, headers }, (answered) => {
    response.writeHead(answered.statusCode, answered.headers);
    answered.pipe(response);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}

/** A WebSocket, byte by byte. */
function upgrade(request, socket, head) {
  const { url, method, headers } = request;
  const onward = httpRequest(new URL(url, options.api), { method, headers });
  onward.on('upgrade', (answered, other, otherHead) => {
    const lines = answered.rawHeaders.flatMap((name, index, all) =>
      index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : [],
    );
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
    socket.write(otherHead);
    other.write(head);
    socket.pipe(other).pipe(socket);
    socket.on('error', () => other.destroy());
    other.on('error', () => socket.destroy());
  });
  onward.on('response', () => socket.destroy());
  onward.on('error', () => socket.destroy());
  onward.end();
}
