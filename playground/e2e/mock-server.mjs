// A stand-in for the server while the app is developed: the built files under the real content
// security policy, and a small GraphQL schema that keeps the contract. It keeps data in memory.
//
//   npm run build && node e2e/mock-server.mjs [--port 8090] [--empty] [--rows 1000000]
//
// Sign in with the key `mock-key`, or open /#token=mock-token (once). With --api URL only the files
// are served here, and the API is that of the real server at URL.
import { buildSchema, graphql } from 'graphql';
import { createServer, request as httpRequest } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' },
    rows: { type: 'string', default: '1000' },
    empty: { type: 'boolean', default: false },
    api: { type: 'string' },
  },
});
const KEY = 'mock-key';
const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "worker-src 'self' blob:; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'";
const CONTENT_TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
};

// ── Data ────────────────────────────────────────────────────────────────────────────────────────

const CUSTOMERS = [
  'Ada Byron',
  'Grace Murray',
  '<b>Bobby</b>',
  null,
  '',
  'Sørensen & Søn ApS',
  'Ælfgifu',
];
const STATUSES = ['open', 'paid', 'cancelled'];

function orderAt(index) {
  return {
    id: index + 1,
    customer: CUSTOMERS[index % CUSTOMERS.length],
    status: STATUSES[index % STATUSES.length],
    total: (((index * 7919) % 100000) / 100).toFixed(2),
    reference: String(9007199254740993n + BigInt(index)),
    weight: index % 11 === 0 ? null : (index % 97) / 8,
    express: index % 5 === 0,
    orderDate: new Date(Date.UTC(2023, 0, 1 + (index % 700))).toISOString().slice(0, 10),
    paidAt: index % 3 === 1 ? new Date(1.7e12 + index * 61e3).toISOString() : null,
    note:
      index % 9 === 0 ? 'A longer remark that does not fit into a narrow column of a table' : null,
  };
}

const columns = (list) =>
  list.map(([name, label, type, graphqlType]) => ({ name, label, type, graphqlType }));
const ORDERS = {
  name: 'orders',
  label: 'Orders 2024.csv',
  listField: 'orders',
  typeName: 'Orders',
  status: 'READY',
  version: 3,
  rows: { n: Number(options.rows), at: orderAt },
  columns: columns([
    ['id', 'Order ID', 'INT', 'Int!'],
    ['customer', 'Customer', 'STRING', 'String'],
    ['status', 'Status', 'STRING', 'String'],
    ['total', 'Total (EUR)', 'DECIMAL', 'Decimal'],
    ['reference', 'Reference', 'BIGINT', 'BigInt'],
    ['weight', 'Weight', 'FLOAT', 'Float'],
    ['express', 'Express?', 'BOOLEAN', 'Boolean'],
    ['orderDate', 'Order Date', 'DATE', 'Date'],
    ['paidAt', 'Paid at', 'DATE_TIME', 'DateTime'],
    ['note', 'Note', 'STRING', 'String'],
  ]),
};
const CUSTOMERS_SET = {
  name: 'customers',
  label: 'customers.csv',
  listField: 'customers',
  typeName: 'Customers',
  status: 'READY',
  version: 1,
  rows: {
    n: 5,
    at: (index) => ({
      id: index + 1,
      name: `Customer ${index + 1}`,
      country: index % 2 ? 'DK' : 'DE',
    }),
  },
  columns: columns([
    ['id', 'id', 'INT', 'Int!'],
    ['name', 'Name', 'STRING', 'String'],
    ['country', 'Country', 'STRING', 'String'],
  ]),
};
const datasets = options.empty ? [] : [ORDERS, CUSTOMERS_SET];
const jobs = new Map();

// ── GraphQL ─────────────────────────────────────────────────────────────────────────────────────

const COMPARISONS = {
  BOOLEAN: ['_eq', '_neq'],
  STRING: [
    '_eq',
    '_neq',
    '_gt',
    '_gte',
    '_lt',
    '_lte',
    '_like',
    '_ilike',
    '_startsWith',
    '_endsWith',
    '_contains',
    '_icontains',
  ],
};
const ORDERED = ['_eq', '_neq', '_gt', '_gte', '_lt', '_lte'];

function sdl() {
  const parts = [
    `scalar BigInt scalar Decimal scalar Date scalar DateTime
    enum OrderBy { ASC DESC ASC_NULLS_FIRST ASC_NULLS_LAST DESC_NULLS_FIRST DESC_NULLS_LAST }
    "A named, typed table."
    type Dataset { name: String! label: String! listField: String! typeName: String! rowCount: BigInt! status: String! version: Int! columns: [Column!]! updatedAt: DateTime! source: Source notices(limit: Int): [Notice!]! }
    type Source { fileName: String! }
    type Notice { code: String! message: String! sheet: String row: BigInt column: String count: BigInt! }
    type Column { name: String! label: String! type: String! graphqlType: String! generated: Boolean! evidence: Evidence! statistics: Statistics! }
    type Evidence { reason: String! samples: [String!]! counterExample: CounterExample }
    type CounterExample { row: BigInt! text: String! against: String! }
    type Statistics { nullCount: BigInt! distinctCount: BigInt! min: String max: String categories: [Category!] }
    type Category { value: String! count: BigInt! }
    type Job { id: ID! status: String! phase: String progress: JobProgress! error: JobError datasets: [Dataset!]! }
    type JobProgress { bytesDone: BigInt! bytesTotal: BigInt rowsDone: BigInt! rowsPerSecond: Float remainingSeconds: Float }
    type JobError { code: String! message: String! }`,
  ];
  const root = ['datasets: [Dataset!]!', 'dataset(name: String!): Dataset', 'job(id: ID!): Job'];
  const scalars = new Set();
  for (const { listField, typeName, columns, label } of datasets) {
    const type = (column) => column.graphqlType.replace('!', '');
    columns.forEach((column) => scalars.add(`${type(column)}:${column.type}`));
    parts.push(
      `"Rows of ${label}" type ${typeName} { ${columns.map((c) => `"${c.label}" ${c.name}: ${c.graphqlType}`).join(' ')} }`,
      `input ${typeName}BoolExp { _and: [${typeName}BoolExp!] _or: [${typeName}BoolExp!] _not: ${typeName}BoolExp ${columns.map((c) => `${c.name}: ${type(c)}Comparison`).join(' ')} }`,
      `input ${typeName}OrderBy { ${columns.map((c) => `${c.name}: OrderBy`).join(' ')} }`,
      `type ${typeName}Aggregate { aggregate: ${typeName}AggregateFields! }`,
      `type ${typeName}AggregateFields { count: Int! }`,
    );
    const args = `where: ${typeName}BoolExp, orderBy: [${typeName}OrderBy!], limit: Int, offset: Int`;
    root.push(
      `${listField}(${args}): [${typeName}!]!`,
      `${listField}Aggregate(${args}): ${typeName}Aggregate!`,
    );
  }
  for (const entry of scalars) {
    const [name, kind] = entry.split(':');
    const names = COMPARISONS[kind] ?? ORDERED;
    parts.push(
      `input ${name}Comparison { ${names.map((n) => `${n}: ${name}`).join(' ')} _in: [${name}!] _isNull: Boolean }`,
    );
  }
  parts.push(`type Query { ${root.join(' ')} }`, 'type Mutation { cancelJob(id: ID!): Job! }');
  return parts.join('\n');
}

function rootValue() {
  const value = {
    datasets: () => datasets.map(onWire),
    dataset: ({ name }) =>
      datasets.filter((dataset) => dataset.name === name).map(onWire)[0] ?? null,
    job: ({ id }) => jobAt(id),
    cancelJob: ({ id }) => Object.assign(jobs.get(id), { isCancelled: true }) && jobAt(id),
  };
  for (const dataset of datasets) {
    value[dataset.listField] = (args) => select(dataset, args);
    value[`${dataset.listField}Aggregate`] = (args) => ({
      aggregate: { count: select(dataset, { ...args, limit: undefined, offset: 0 }).length },
    });
  }
  return value;
}

function onWire(dataset) {
  return {
    ...dataset,
    rowCount: String(dataset.rows.n),
    updatedAt: '2026-01-02T03:04:05Z',
    source: { fileName: dataset.label },
    notices: [
      {
        code: 'THOUSANDS',
        message: 'The thousands separators were taken off.',
        row: '14',
        column: 'Total (EUR)',
        count: '3',
      },
      {
        code: 'FOOTER',
        message: 'The last row holds totals and was left out.',
        row: '1002',
        count: '1',
      },
    ],
    columns: dataset.columns.map((column) => ({ ...column, ...detailsOf(dataset, column) })),
  };
}

function detailsOf({ rows }, { name, type }) {
  const values = Array.from({ length: Math.min(rows.n, 1000) }, (_, index) => rows.at(index)[name]);
  const present = values.filter((value) => value !== null).map(String);
  const counts = grouped(present);
  const categories = [...counts].map(([value, list]) => ({ value, count: String(list.length) }));
  const isText = type === 'STRING';
  return {
    generated: false,
    evidence: {
      reason: isText ? 'the cells are text' : `all ${present.length} values are of this form`,
      samples: present.slice(0, 4),
      counterExample: isText ? { row: '3', text: present[1] ?? '', against: 'INT' } : null,
    },
    statistics: {
      nullCount: String(values.length - present.length),
      distinctCount: String(counts.size),
      min: isText ? null : present[0],
      max: isText ? null : present.at(-1),
      categories: counts.size <= 10 ? categories : null,
    },
  };
}

function grouped(values) {
  const groups = new Map();
  for (const value of values) groups.set(value, [...(groups.get(value) ?? []), value]);
  return groups;
}

function select({ rows, columns }, { where, orderBy, limit, offset = 0 }) {
  if (!where && !orderBy?.length) {
    const n = Math.max(0, Math.min(limit ?? rows.n, rows.n - offset));
    return Array.from({ length: n }, (_, index) => rows.at(offset + index));
  }
  const numeric = new Set(
    columns.filter((c) => /INT|DECIMAL|FLOAT/.test(c.type)).map((c) => c.name),
  );
  const key = (name, value) => (value !== null && numeric.has(name) ? Number(value) : value);
  let all = Array.from({ length: rows.n }, (_, index) => rows.at(index)).filter((row) =>
    matches(row, where, key),
  );
  for (const term of [...(orderBy ?? [])].reverse()) {
    const [[name, direction]] = Object.entries(term);
    const sign = direction.startsWith('DESC') ? -1 : 1;
    all = all.toSorted((a, b) => {
      const [x, y] = [key(name, a[name]), key(name, b[name])];
      if (x === null || y === null) return (x === null) - (y === null);
      return x < y ? -sign : x > y ? sign : 0;
    });
  }
  return all.slice(offset, limit === undefined ? undefined : offset + limit);
}

function matches(row, where, key) {
  return Object.entries(where ?? {}).every(([name, test]) => {
    if (name === '_and') return test.every((inner) => matches(row, inner, key));
    if (name === '_or') return test.some((inner) => matches(row, inner, key));
    if (name === '_not') return !matches(row, test, key);
    const value = key(name, row[name]);
    return Object.entries(test).every(([operator, raw]) => {
      if (operator === '_isNull') return (value === null) === raw;
      if (value === null) return false;
      const operand = Array.isArray(raw) ? raw.map((one) => key(name, one)) : key(name, raw);
      switch (operator) {
        case '_eq':
          return value === operand;
        case '_neq':
          return value !== operand;
        case '_gt':
          return value > operand;
        case '_gte':
          return value >= operand;
        case '_lt':
          return value < operand;
        case '_lte':
          return value <= operand;
        case '_in':
          return operand.includes(value);
        case '_startsWith':
          return value.startsWith(operand);
        case '_endsWith':
          return value.endsWith(operand);
        case '_contains':
          return value.includes(operand);
        case '_icontains':
          return value.toLowerCase().includes(operand.toLowerCase());
        default:
          return false;
      }
    });
  });
}

// ── Uploads ─────────────────────────────────────────────────────────────────────────────────────

function startJob(name, nBytes) {
  const job = {
    id: `job-${jobs.size + 1}`,
    name,
    nBytes,
    startedAt: Date.now(),
    isPublished: false,
  };
  jobs.set(job.id, job);
  return jobAt(job.id);
}

const JOB_MS = 1500;

function jobAt(id) {
  const job = jobs.get(id);
  if (!job) return null;
  const share = Math.min(1, (Date.now() - job.startedAt) / JOB_MS);
  const isDone = share === 1;
  const isFailed = isDone && job.name.includes('bad');
  if (job.isCancelled && !job.isPublished) return cancelled(job);
  if (isDone && !isFailed && !job.isPublished) publish(job);
  return {
    id,
    status: isFailed ? 'FAILED' : isDone ? 'SUCCEEDED' : 'RUNNING',
    phase: isDone ? null : share < 0.5 ? 'infer' : 'load',
    progress: {
      bytesDone: String(Math.round(job.nBytes * share)),
      bytesTotal: String(job.nBytes),
      rowsDone: String(Math.round(1000 * share)),
      rowsPerSecond: 650.5,
      remainingSeconds: ((1 - share) * JOB_MS) / 1000,
    },
    error: isFailed
      ? { code: 'FILE_REJECTED', message: 'row 3: a quoted field is not closed; close the quote' }
      : null,
    datasets: job.isPublished
      ? datasets.filter((dataset) => dataset.name === job.name).map(onWire)
      : [],
  };
}

function cancelled({ id, nBytes }) {
  const progress = { bytesDone: '0', bytesTotal: String(nBytes), rowsDone: '0' };
  return { id, status: 'CANCELLED', phase: null, progress, error: null, datasets: [] };
}

function publish(job) {
  job.isPublished = true;
  const found = datasets.find((dataset) => dataset.name === job.name);
  if (found) {
    found.version += 1;
    return;
  }
  const field = job.name.replace(/[^a-zA-Z0-9]/g, '').replace(/^./, (c) => c.toLowerCase());
  const typeName = field.replace(/^./, (c) => c.toUpperCase());
  datasets.push({
    ...ORDERS,
    name: job.name,
    label: `${job.name}.csv`,
    listField: field,
    typeName,
    version: 1,
    rows: { n: 1000, at: orderAt },
  });
}

// ── HTTP ────────────────────────────────────────────────────────────────────────────────────────

let unusedToken = 'mock-token';

async function answer(request, response) {
  const url = new URL(request.url, 'http://localhost');
  const json = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'mock-1' });
    response.end(JSON.stringify(body));
  };
  const refusal = (code, message) => ({ errors: [{ message, extensions: { code } }] });
  if (options.api && /^\/(graphql|upload|sign-in)\b/.test(url.pathname)) {
    return forward(request, response);
  }
  const isKnown = request.headers.authorization === `Bearer ${KEY}`;
  const body = await bodyOf(request);

  if (url.pathname === '/sign-in') {
    if (JSON.parse(body).token !== unusedToken)
      return json(401, refusal('UNAUTHENTICATED', 'unknown token'));
    unusedToken = null;
    return json(200, { key: KEY, expiresAt: '2099-01-01T00:00:00Z' });
  }
  if (url.pathname === '/graphql') {
    if (!isKnown)
      return json(401, refusal('UNAUTHENTICATED', 'The API key is not known or was revoked.'));
    const { query, variables, operationName } = JSON.parse(body);
    return json(
      200,
      await graphql({
        schema: buildSchema(sdl()),
        rootValue: rootValue(),
        source: query,
        variableValues: variables,
        operationName,
      }),
    );
  }
  if (url.pathname.startsWith('/upload/')) {
    if (!isKnown)
      return json(401, refusal('UNAUTHENTICATED', 'The API key is not known or was revoked.'));
    const name = decodeURIComponent(url.pathname.slice('/upload/'.length));
    if (
      url.searchParams.get('mode') !== 'replace' &&
      datasets.some((dataset) => dataset.name === name)
    ) {
      return json(
        409,
        refusal('CONFLICT', `A dataset named "${name}" exists; replace it or choose another name.`),
      );
    }
    return json(202, { job: startJob(name, body.length), dataset: null });
  }
  const isFile = extname(url.pathname) !== '';
  const path = isFile ? normalize(url.pathname) : '/index.html';
  const content = await readFile(join(DIST, path)).catch(() => null);
  if (content === null) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    'content-type': CONTENT_TYPES[extname(path)] ?? 'application/octet-stream',
    'content-security-policy': CSP,
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
  onward.on('error', () => response.writeHead(502).end());
  request.pipe(onward);
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
server.listen(Number(options.port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/#key=${KEY}`);
});
