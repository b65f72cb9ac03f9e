#!/usr/bin/env node
// Every rule of a PROTOCOL.md is cited by a test, and every citation names a rule that there is.
//
// A rule is written `**[NAME-1.2]**` in packages/*/PROTOCOL.md. A citation is NAME-1.2 anywhere else, in brackets or not; one
// counts for its rule where it stands in a `test` folder. `[NAME-1]` names a section.
//
//   node scripts/check-rules.mjs [ROOT]      exit code 1 and one line per rule without a test and citation without a rule

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(process.argv[2] ?? path.join(path.dirname(fileURLToPath(import.meta.url)), ".."));
const RULE = /\*\*\[([A-Z]+)-(\d+)\.(\d+)\]\*\*/g;
const CITATION = /\b([A-Z]+)-(\d+)\.(\d+)\b/g;
const SECTION = /\[([A-Z]+)-(\d+)\]/g;

const problems = [];
/** Rule -> where it is written. */
const rules = new Map();
const sections = new Set();
/** Names that a PROTOCOL.md uses: what else looks like a citation, as a version does, is none of ours. */
const names = new Set();
const tested = new Set();

const sources = ["packages", "apps", "bench", "test", "docs"].flatMap((name) =>
  listFiles(path.join(root, name)),
);
for (const file of sources.filter((file) => path.basename(file) === "PROTOCOL.md")) readRules(file);
for (const file of sources) readCitations(file);
for (const [rule, place] of rules) if (!tested.has(rule)) problems.push(`${place}: no test cites [${rule}]`);

for (const line of problems) console.error(line);
console.log(`rules: ${rules.size} read, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;

function readRules(file) {
  for (const [line, place] of linesOf(file)) {
    for (const [, name, section, number] of line.matchAll(RULE)) {
      const rule = `${name}-${section}.${number}`;
      if (rules.has(rule)) problems.push(`${place}: [${rule}] is written at ${rules.get(rule)} too`);
      else rules.set(rule, place);
      sections.add(`${name}-${section}`);
      names.add(name);
    }
  }
}

function readCitations(file) {
  const isTest = path.relative(root, file).split(path.sep).slice(0, -1).includes("test");
  for (const [line, place] of linesOf(file)) {
    const problem = (cited) => problems.push(`${place}: cites [${cited}], and there is no such rule`);
    for (const [cited, name] of line.matchAll(CITATION)) {
      if (!names.has(name)) continue;
      if (!rules.has(cited)) problem(cited);
      else if (isTest) tested.add(cited);
    }
    for (const [, name, section] of line.matchAll(SECTION)) {
      if (names.has(name) && !sections.has(`${name}-${section}`)) problem(`${name}-${section}`);
    }
  }
}

/** Each line of a file with its place, `path:number`. */
function linesOf(file) {
  const where = path.relative(root, file);
  const lines = fs.readFileSync(file, "utf8").split("\n");
  return lines.map((line, index) => [line, `${where}:${index + 1}`]);
}

function listFiles(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (["node_modules", "dist"].includes(entry.name) || entry.name.startsWith(".")) return [];
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) return listFiles(full);
    return /\.(ts|mjs|md)$/.test(entry.name) ? [full] : [];
  });
}
