// Compresses each built file and writes the Rust table that embeds them.
//
//   node scripts/embed.mjs BUILD_DIR TABLE.rs
//
// Beside each file of BUILD_DIR it puts `.br` and `.gz`; the table names them by paths relative to
// BUILD_DIR's parent, which is the crate's OUT_DIR.
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const CONTENT_TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
};

const [buildDir, tablePath] = process.argv.slice(2);
const entries = await readdir(buildDir, { recursive: true, withFileTypes: true });
const names = entries
  .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
  .map((entry) => relative(buildDir, join(entry.parentPath, entry.name)).split(sep).join('/'))
  .sort();
const rows = await Promise.all(names.map(embed));
await writeFile(
  tablePath,
  `pub(crate) static FILES: [EmbeddedFile; ${rows.length}] = [\n${rows.join('')}];\n`,
);

async function embed(name) {
  const contentType = CONTENT_TYPES[extname(name)];
  if (contentType === undefined) throw new Error(`${name}: no content type is known for it`);
  const body = await readFile(join(buildDir, name));
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(body, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
      },
    }),
    promisify(gzip)(body, { level: constants.Z_BEST_COMPRESSION }),
  ]);
  await writeFile(join(buildDir, `${name}.br`), br);
  await writeFile(join(buildDir, `${name}.gz`), gz);
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 20);
  const included = (suffix) =>
    `include_bytes!(concat!(env!("OUT_DIR"), ${JSON.stringify(`/${basename(buildDir)}/${name}${suffix}`)}))`;
  // Vite puts a hash of the content into the names below `assets/`.
  return `    EmbeddedFile {
        path: ${JSON.stringify(`/${name}`)},
        content_type: ${JSON.stringify(contentType)},
        immutable: ${name.startsWith('assets/')},
        etags: [${['-br', '-gz', ''].map((suffix) => JSON.stringify(`"${hash}${suffix}"`)).join(', ')}],
        brotli: ${included('.br')},
        gzip: ${included('.gz')},
        plain: std::sync::OnceLock::new(),
    },
`;
}
