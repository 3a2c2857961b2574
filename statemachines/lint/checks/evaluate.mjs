// Evaluates expressions with the JSONata engine that Step Functions documents, and the functions that it adds: one JSON
// document {expression, variables, states, now} per line in, one {value}, {} (undefined) or {error} per line out.
import { createHash, randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import jsonata from "jsonata";

const ALGORITHMS = { MD5: "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512" };
const FUNCTIONS = {
  hash: (text, algorithm) => createHash(ALGORITHMS[algorithm]).update(text).digest("hex"),
  parse: (text) => JSON.parse(text),
  partition: (array, size) => {
    const parts = [];
    for (let start = 0; start < array.length; start += Math.floor(size)) {
      parts.push(array.slice(start, start + Math.floor(size)));
    }
    return parts;
  },
  random: () => Math.random(),
  range: (start, end, step) => {
    const values = [];
    for (let value = start; step > 0 ? value <= end : value >= end; value += step) values.push(value);
    return values;
  },
  uuid: () => randomUUID(),
};

async function evaluated({ expression, variables, states, now }) {
  try {
    const parsed = jsonata(expression);
    for (const [name, implementation] of Object.entries(FUNCTIONS)) parsed.registerFunction(name, implementation);
    if (now !== undefined) parsed.registerFunction("millis", () => now);
    return { value: await parsed.evaluate(undefined, { ...variables, states }) };
  } catch (error) {
    return { error: `${error.code ?? error.name}: ${error.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await evaluated(JSON.parse(line)))}\n`);
}
