// Tells of scripts what they are made of, without names and values: two that differ in those alone
// have the same shape. node shapes.mjs < JSON
import { readFileSync } from "node:fs";
import ts from "typescript";

const shapes = JSON.parse(readFileSync(0, "utf8")).map((code) => {
  const { target, js } = { target: ts.ScriptTarget.ESNext, js: ts.ScriptKind.JS };
  const file = ts.createSourceFile("snippet.mjs", code, target, true, js);
  if (file.parseDiagnostics.length > 0) {
    throw new Error(`${file.parseDiagnostics[0].messageText}\n${code}`);
  }
  const kinds = [];
  const visit = (node) => {
    kinds.push(ts.SyntaxKind[node.kind]);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return kinds.join(" ");
});
console.log(JSON.stringify(shapes));
