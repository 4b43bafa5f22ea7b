// Looks at a description of the API as its users' tools do: is it valid, and does a generated client
// compile? node openapi.mjs FILE FOLDER
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import openapiTS, { astToString } from "openapi-typescript";

const [file, folder] = process.argv.slice(2);
const document = JSON.parse(readFileSync(file, "utf8"));
const result = await new Validator().validate(structuredClone(document));
if (!result.valid) {
  console.error(JSON.stringify(result.errors, null, 2));
  process.exit(1);
}
writeFileSync(join(folder, "api.ts"), astToString(await openapiTS(document)));
writeFileSync(
  join(folder, "use.ts"),
  `import type { paths } from "./api";
type Listed = paths["/api/v1/orders"]["get"]["responses"]["200"]["content"]["application/json"];
export const names = (listed: Listed) => listed.data.map((row) => row.customer);
`,
);
const compilerOptions = {
  noEmit: true,
  strict: true,
  target: "es2022",
  module: "esnext",
  moduleResolution: "bundler",
  types: [],
};
writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
const tsc = join(import.meta.dirname, "node_modules/typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "--project", folder], { stdio: "inherit" });
console.log("valid");
