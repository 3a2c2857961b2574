// Parses every expression of the given state machine definitions with the JSONata engine that Step Functions documents.
import { readFileSync } from "node:fs";
import jsonata from "jsonata";

function* expressions(value, path) {
  if (typeof value === "string") {
    if (value.startsWith("{%") && value.endsWith("%}")) yield [path, value.slice(2, -2).trim()];
  } else if (value !== null && typeof value === "object") {
    for (const [key, inner] of Object.entries(value)) yield* expressions(inner, [...path, key]);
  }
}

let parsed = 0;
const problems = [];
for (const file of process.argv.slice(2)) {
  for (const [path, expression] of expressions(JSON.parse(readFileSync(file, "utf8")), [])) {
    parsed += 1;
    try {
      jsonata(expression);
    } catch (error) {
      problems.push(`${file}: ${path.join(".")}: ${error.code} ${error.message}: ${expression}`);
    }
  }
}
if (parsed === 0) problems.push("no expression was found: name the definitions as arguments");
for (const problem of problems) console.error(problem);
process.exit(problems.length ? 1 : 0);
