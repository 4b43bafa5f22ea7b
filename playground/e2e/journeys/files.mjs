// The files that people bring on their journeys.
import { crc32 } from 'node:zlib';

/** Orders whose total has two cells that are no number: the column is taken for text. */
export function ordersCsv(nRows = 400) {
  const lines = ['Order,Day,Journeybook Customer Id,Status,Total'];
  for (let n = 1; n <= nRows; n += 1) {
    const day = new Date(Date.UTC(2025, 0, 1 + (n % 300))).toISOString().slice(0, 10);
    const total =
      n === 7 || n === 8 ? 'n.v.' : `${(n * 7) % 500}.${String(n % 100).padStart(2, '0')}`;
    lines.push(`${n},${day},${1 + (n % 40)},${['new', 'paid', 'shipped'][n % 3]},${total}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Sheets by their names, each a list of rows, the first its header. */
export const BOOK = {
  Customers: [
    ['Id', 'Name', 'City'],
    ...Array.from({ length: 40 }, (_, at) => [at + 1, `Customer ${at + 1}`, `City ${at % 7}`]),
  ],
  Cities: [
    ['City', 'Inhabitants'],
    ...Array.from({ length: 7 }, (_, at) => [`City ${at}`, 1_000 * (at + 1)]),
  ],
};

/** A workbook as small as the format lets it be: a zip of XML, nothing of it compressed. */
export function workbook(sheets) {
  const names = Object.keys(sheets);
  const ids = names.map((_, at) => at + 1);
  const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
  const relations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  const packages = 'http://schemas.openxmlformats.org/package/2006';
  const type = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
  const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
  return zip({
    '[Content_Types].xml': `${head}<Types xmlns="${packages}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${type}.sheet.main+xml"/>${ids.map((id) => `<Override PartName="/xl/worksheets/sheet${id}.xml" ContentType="${type}.worksheet+xml"/>`).join('')}</Types>`,
    '_rels/.rels': `${head}<Relationships xmlns="${packages}/relationships"><Relationship Id="rId1" Type="${relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    'xl/workbook.xml': `${head}<workbook xmlns="${main}" xmlns:r="${relations}"><sheets>${names.map((name, at) => `<sheet name="${name}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`).join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': `${head}<Relationships xmlns="${packages}/relationships">${ids.map((id) => `<Relationship Id="rId${id}" Type="${relations}/worksheet" Target="worksheets/sheet${id}.xml"/>`).join('')}</Relationships>`,
    ...Object.fromEntries(
      names.map((name, at) => [
        `xl/worksheets/sheet${at + 1}.xml`,
        `${head}<worksheet xmlns="${main}"><sheetData>${sheets[name].map(row).join('')}</sheetData></worksheet>`,
      ]),
    ),
  });
}

function row(cells, at) {
  const written = cells.map((cell, column) => {
    const place = `${String.fromCharCode(65 + column)}${at + 1}`;
    return typeof cell === 'number'
      ? `<c r="${place}"><v>${cell}</v></c>`
      : `<c r="${place}" t="inlineStr"><is><t>${cell}</t></is></c>`;
  });
  return `<row r="${at + 1}">${written.join('')}</row>`;
}

/** Files in a zip, stored as they are. */
function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const [path, content] = [Buffer.from(name), Buffer.from(text)];
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    // 1 January 1980, where the format's time begins.
    facts.writeUInt16LE(0x21, 8);
    facts.writeUInt32LE(crc32(content), 10);
    facts.writeUInt32LE(content.length, 14);
    facts.writeUInt32LE(content.length, 18);
    facts.writeUInt16LE(path.length, 22);
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), facts, path, content);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), facts, rest, path);
    offset += 30 + path.length + content.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, index, end]);
}

/**
 * Drops files on the window, as from a folder. `size` repeats the lines of a text, all but its
 * header, in the page until the file is so long: no need to send it there.
 */
export async function dropFiles(page, files) {
  const described = Object.entries(files).map(([name, { content, size }]) => ({
    name,
    base64: Buffer.from(content).toString('base64'),
    size,
  }));
  await page.evaluate((all) => {
    const dataTransfer = new window.DataTransfer();
    for (const { name, base64, size } of all) {
      const bytes = Uint8Array.from(window.atob(base64), (character) => character.charCodeAt(0));
      const header = bytes.slice(0, bytes.indexOf(10) + 1);
      const lines = bytes.slice(header.length);
      const nTimes = size === undefined ? 1 : Math.ceil(size / lines.length);
      const parts = [header, ...Array.from({ length: nTimes }, () => lines)];
      dataTransfer.items.add(new window.File(parts, name));
    }
    for (const type of ['dragenter', 'dragover', 'drop']) {
      const event = new window.DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
      (document.querySelector('#main') ?? document.body).dispatchEvent(event);
    }
  }, described);
}
