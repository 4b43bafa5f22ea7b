// Runs a script of a spreadsheet with stand-ins for what Google gives it, and tells what the sheet
// holds in the end: node sheets.mjs < SCRIPT
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";

/** RFC 4180. */
function parseCsv(text) {
  const lines = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  let line = [];
  while (cell.lastIndex < text.length) {
    const [, quoted, plain, end] = cell.exec(text);
    line.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ",") {
      lines.push(line);
      line = [];
    }
  }
  return lines;
}

/** What a cell holds after somebody typed this into it. */
function typed(value) {
  if (typeof value !== "string") return value;
  if (value.startsWith("'")) return { text: value.slice(1) };
  if (value.startsWith("=")) throw new Error(`a formula: ${value}`);
  return value;
}

const sheets = new Map();
const context = {
  PropertiesService: {
    getScriptProperties: () => ({ getProperty: (name) => process.env[name] }),
  },
  UrlFetchApp: {
    fetch(url, { headers = {} }) {
      const given = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
      const told = execFileSync("curl", ["-sS", "-w", "%{http_code}", url, ...given], {
        encoding: "utf8",
      });
      return {
        getResponseCode: () => Number(told.slice(-3)),
        getContentText: () => told.slice(0, -3),
      };
    },
  },
  Utilities: { parseCsv },
  SpreadsheetApp: {
    getActiveSpreadsheet: () => ({
      getSheetByName: (name) => sheets.get(name) ?? null,
      insertSheet(name) {
        const sheet = {
          clearContents: () => (sheet.values = []),
          getRange: (row, column, nRows, nColumns) => ({
            setValues(values) {
              const isWhole = row === 1 && column === 1 && values.length === nRows;
              if (!isWhole || values.some((line) => line.length !== nColumns)) {
                throw new Error("values and range differ in size");
              }
              sheet.values = values.map((line) => line.map(typed));
            },
          }),
        };
        sheets.set(name, sheet);
        return sheet;
      },
    }),
  },
};
runInNewContext(`${readFileSync(0, "utf8")}\nloadRows();`, context);
console.log(JSON.stringify(Object.fromEntries([...sheets].map(([name, it]) => [name, it.values]))));
