#!/usr/bin/env node
// Who may import whom. Reads the imports of every source, follows relative ones from each entry, and compares with the
// table below. Type-only imports count: a type ties packages together as well. Tests are free.
//
//   node scripts/check-directions.mjs [ROOT]      exit code 1 and one line per violation

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const FRAMING = "@wireyard/framing";
const SESSION = "@wireyard/session";
const TRANSPORT = "@wireyard/transport";

/** What a wire protocol may import. Its root and its client also run in a browser. */
const PROTOCOL = {
  "src/index.ts": [FRAMING],
  "src/client.ts": [FRAMING, TRANSPORT],
  "src/server.ts": [FRAMING, TRANSPORT, SESSION],
};

/**
 * Folder -> entry -> what the entry and everything it reaches may import. `*` stands for the other files of the folder;
 * without it they are held to the first entry's list. A name includes its subpaths, but not `/testing`.
 */
const ALLOWED = {
  "packages/framing": { "*": [] },
  "packages/session": { "*": [] },
  // What bundlers for browsers take needs nothing of Node's.
  "packages/transport": { "src/browser.ts": [FRAMING], "*": [FRAMING, "ws", "node:*"] },
  "packages/colon-relay": PROTOCOL,
  "packages/comma-command": PROTOCOL,
  "packages/varint-state": PROTOCOL,
  "packages/json-packet": { ...PROTOCOL, "src/server.ts": [...PROTOCOL["src/server.ts"], "node:crypto"] },
  "packages/accounts-sql": { "*": [SESSION, "kysely", "pg", "node:*"] },
  "packages/backplane-redis": { "*": [SESSION, "ioredis", "node:*"] },
  "packages/terminal": { "*": ["ink", "react", "node:*"] },
  "apps/server": { "*": ["*"] },
  "apps/console": { "*": ["*"] },
};

/** Where bytes meet a socket or a file. Everywhere else bytes are `Uint8Array`. */
const MAY_USE_BUFFER = ["packages/transport", "packages/accounts-sql", "packages/backplane-redis", "apps/"];

const root = path.resolve(process.argv[2] ?? path.join(path.dirname(fileURLToPath(import.meta.url)), ".."));
const violations = [];
let filesRead = 0;

for (const group of ["packages", "apps"]) {
  for (const name of listFolders(path.join(root, group))) {
    const folder = `${group}/${name}`;
    if (ALLOWED[folder] === undefined) violations.push(`${folder}: is not in the table of check-directions`);
    else checkFolder(folder, ALLOWED[folder]);
  }
}
for (const line of violations) console.error(line);
console.log(`import directions: ${filesRead} files read, ${violations.length} violations`);
process.exitCode = violations.length > 0 ? 1 : 0;

function checkFolder(folder, rules) {
  const sources = new Map();
  for (const file of listSources(path.join(root, folder, "src"))) {
    sources.set(file, readSource(file));
    filesRead++;
  }
  const unreached = new Set(sources.keys());
  // One line per import, though several entries may reach it: the first, strictest entry tells.
  const told = new Set();
  for (const [entry, allowed] of Object.entries(rules)) {
    if (entry === "*") continue;
    const reached = reach(folder, path.join(root, folder, entry), sources);
    for (const file of reached) {
      unreached.delete(file);
      checkFile(folder, file, sources.get(file), allowed, `what ${folder}/${entry} reaches`, told);
    }
  }
  const others = rules["*"] ?? Object.values(rules)[0];
  for (const file of unreached) checkFile(folder, file, sources.get(file), others, folder, told);
}

function checkFile(folder, file, source, allowed, who, told) {
  const report = (line, what, instead) => {
    const violation = `${path.relative(root, file)}:${line}: ${what}`;
    if (!told.has(violation)) violations.push(`${violation}${instead}`);
    told.add(violation);
  };
  const list = allowed.length === 0 ? "nothing" : `only ${allowed.join(", ")}`;
  for (const { specifier, line } of source.imports) {
    const what = `imports "${specifier}"`;
    if (specifier.startsWith(".")) {
      const target = path.resolve(path.dirname(file), specifier);
      const isInside = target.startsWith(path.join(root, folder, "src") + path.sep);
      if (!isInside) report(line, what, ", outside its own src: import a package by its name");
      else if (resolveSource(target) === undefined) report(line, what, ", and there is no such file");
    } else if (specifier.startsWith("#")) {
      if (aliasesOf(folder, specifier).length === 0)
        report(line, what, ", which its package.json does not name");
    } else if (!isAllowed(specifier, allowed)) {
      report(line, what, `; ${who} may import ${list}`);
    }
  }
  if (MAY_USE_BUFFER.some((prefix) => folder.startsWith(prefix))) return;
  for (const line of source.bufferLines) report(line, "names Buffer", `; bytes in ${folder} are Uint8Array`);
}

function isAllowed(specifier, allowed) {
  if (specifier.startsWith("@wireyard/") && specifier.endsWith("/testing")) return false;
  return allowed.some((name) => {
    if (name.endsWith("*")) return specifier.startsWith(name.slice(0, -1));
    return specifier === name || specifier.startsWith(`${name}/`);
  });
}

/** The sources that a package's own `#name` stands for, whatever the condition. */
function aliasesOf(folder, specifier) {
  const manifest = JSON.parse(fs.readFileSync(path.join(root, folder, "package.json"), "utf8"));
  const leaves = (target) =>
    typeof target === "string" ? [target] : Object.values(target ?? {}).flatMap(leaves);
  return leaves(manifest.imports?.[specifier])
    .filter((target) => target.startsWith("./src/"))
    .map((target) => path.join(root, folder, target));
}

function reach(folder, entry, sources) {
  const reached = new Set();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (reached.has(file) || !sources.has(file)) continue;
    reached.add(file);
    for (const { specifier } of sources.get(file).imports) {
      if (specifier.startsWith("#")) open.push(...aliasesOf(folder, specifier));
      if (!specifier.startsWith(".")) continue;
      const target = resolveSource(path.resolve(path.dirname(file), specifier));
      if (target !== undefined) open.push(target);
    }
  }
  return reached;
}

function resolveSource(target) {
  const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile();
  const stem = target.replace(/\.jsx?$/, "");
  return [target, `${stem}.ts`, `${stem}.tsx`, path.join(target, "index.ts")].find(isFile);
}

/** The imports of a file and the lines that name `Buffer`. By pattern, not by parser: this runs with no dependency. */
function readSource(file) {
  const text = fs.readFileSync(file, "utf8");
  const lineAt = (index) => text.slice(0, index).split("\n").length;
  const code = blank(text, { strings: false });
  const imports = [];
  const patterns = [
    /\b(?:import|export)\b(?:[\w$*{}\s,]*?\bfrom\b)?\s*["']([^"'\n]+)["']/g,
    /\b(?:import|require)\s*\(\s*["'`]([^"'`\n]+)["'`]/g,
  ];
  for (const pattern of patterns) {
    for (const match of code.matchAll(pattern)) {
      imports.push({ specifier: match[1], line: lineAt(match.index + match[0].length) });
    }
  }
  const bare = blank(text, { strings: true });
  const bufferLines = [...bare.matchAll(/(?<![\w$])Buffer(?![\w$])/g)].map((match) => lineAt(match.index));
  return { imports, bufferLines };
}

/** Replaces comments, and strings where asked, by spaces: every other character keeps its place. */
function blank(text, { strings }) {
  const token = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(token, (whole, string) =>
    string !== undefined && !strings ? whole : whole.replace(/[^\n]/g, " "),
  );
}

function listFolders(folder) {
  if (!fs.existsSync(folder)) return [];
  const entries = fs.readdirSync(folder, { withFileTypes: true });
  // A folder without a package.json is what a deleted package leaves behind (node_modules, dist).
  const isPackage = (entry) =>
    entry.isDirectory() && fs.existsSync(path.join(folder, entry.name, "package.json"));
  return entries.filter(isPackage).map((entry) => entry.name);
}

function listSources(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) return listSources(full);
    return /\.[cm]?tsx?$/.test(entry.name) ? [full] : [];
  });
}
