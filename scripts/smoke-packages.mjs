#!/usr/bin/env node
// Installs the packed libraries as a user would, with npm, and imports each of their entries on the oldest Node that
// they promise: the one that runs this, if it is a Node 20, else one from the npm registry.
//
//   node scripts/smoke-packages.mjs FOLDER      FOLDER: where check-packages.mjs --pack has put the tarballs

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const LIBRARIES = [
  "framing",
  "session",
  "transport",
  "colon-relay",
  "comma-command",
  "varint-state",
  "json-packet",
];

const tarballs = path.resolve(process.argv[2] ?? ".");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wireyard-smoke-"));
try {
  const node = oldestNode();
  installLibraries();
  for (const specifier of LIBRARIES.flatMap(entriesOf)) importOn(node, specifier);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}

function oldestNode() {
  if (process.version.startsWith("v20.")) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const prefix = path.join(folder, "node20");
  fs.mkdirSync(prefix);
  run("npm", ["install", "--prefix", prefix, "--no-save", "--ignore-scripts", `${name}@20`]);
  return path.join(prefix, "node_modules", name, "bin", "node");
}

function installLibraries() {
  const files = fs.readdirSync(tarballs);
  const dependencies = {};
  for (const name of LIBRARIES) {
    const file = files.find((file) => new RegExp(`^wireyard-${name}-\\d[^/]*\\.tgz$`).test(file));
    if (file === undefined) throw new Error(`no tarball of ${name} in ${tarballs}`);
    dependencies[`@wireyard/${name}`] = `file:${path.join(tarballs, file)}`;
  }
  // Overrides, so that a library gets its neighbours from these tarballs and never from the registry.
  const overrides = Object.fromEntries(Object.keys(dependencies).map((name) => [name, `$${name}`]));
  const manifest = { private: true, type: "module", dependencies, overrides };
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify(manifest));
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"]);
}

function entriesOf(name) {
  const installed = path.join(folder, "node_modules", "@wireyard", name);
  const { exports } = JSON.parse(fs.readFileSync(path.join(installed, "package.json"), "utf8"));
  return Object.keys(exports)
    .filter((entry) => entry !== "./package.json")
    .map((entry) => path.posix.join("@wireyard", name, entry));
}

/** Each in a process of its own: an entry must not depend on what another has loaded, and must let Node exit. */
function importOn(node, specifier) {
  const code = `const m = await import(${JSON.stringify(specifier)}); console.log(Object.keys(m).length);`;
  const count = run(node, ["--input-type=module", "--eval", code]).trim();
  if (count === "0") throw new Error(`${specifier} exports nothing`);
  console.log(`  ${specifier}: ${count} exports`);
}

function run(command, args) {
  const options = { cwd: folder, encoding: "utf8", timeout: 300_000, shell: process.platform === "win32" };
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${error ?? ""}${stdout}${stderr}`);
  return stdout;
}
