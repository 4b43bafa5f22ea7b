// Parses queries in M, as Excel would, and tells their tokens: node power-query.mjs < JSON
import { readFileSync } from "node:fs";
import { DefaultSettings, TaskUtils } from "@microsoft/powerquery-parser";

const told = [];
for (const code of JSON.parse(readFileSync(0, "utf8"))) {
  const task = await TaskUtils.tryLexParse(DefaultSettings, code);
  if (!TaskUtils.isParseStageOk(task)) {
    throw new Error(`${task.error?.message ?? "no query"}\n${code}`);
  }
  told.push(task.lexerSnapshot.tokens.map(({ kind, data }) => ({ kind, data })));
}
console.log(JSON.stringify(told));
