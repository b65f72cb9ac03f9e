#!/usr/bin/env node
// What a published package must be: its exports, its files, and (packed) what publint and attw say of the tarball.
//
//   node scripts/check-packages.mjs                   reads only package.json and the folders
//   node scripts/check-packages.mjs --pack [FOLDER]   after a build: packs each, checks the tarballs, keeps them in FOLDER

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const PROTOCOLS = ["colon-relay", "comma-command", "varint-state", "json-packet"];

const problems = [];
const names = fs
  .readdirSync(path.join(root, "packages"))
  .filter((name) => fs.existsSync(path.join(root, "packages", name, "package.json")))
  .filter((name) => readManifest(name).private !== true);

for (const name of names) checkManifest(name);
if (process.argv[2] === "--pack") packAll(process.argv[3]);

for (const line of problems) console.error(line);
console.log(`packages: ${names.length} checked, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;

function checkManifest(name) {
  const folder = path.join(root, "packages", name);
  const manifest = readManifest(name);
  const problem = (text) => problems.push(`packages/${name}: ${text}`);
  const has = (file) => fs.existsSync(path.join(folder, file));

  if (manifest.type !== "module") problem('package.json "type" must be "module"');
  if (manifest.name !== `@wireyard/${name}`) problem(`package.json "name" must be "@wireyard/${name}"`);
  if (manifest.sideEffects !== false) problem('package.json "sideEffects" must be false');
  if (!manifest.files?.includes("dist")) problem('package.json "files" must name "dist"');
  if (!has("README.md")) problem("has no README.md");
  if (PROTOCOLS.includes(name)) {
    if (!has("PROTOCOL.md")) problem("has no PROTOCOL.md");
    if (!manifest.files?.includes("PROTOCOL.md")) problem('package.json "files" must name "PROTOCOL.md"');
  }
  checkExports(manifest, problem, has);
}

/** In the repository an export leads to its source, published to the same built file without that condition. */
function checkExports(manifest, problem, has) {
  const published = {};
  for (const [entry, target] of Object.entries(manifest.exports ?? {})) {
    if (typeof target === "string") {
      published[entry] = target;
      continue;
    }
    const { source, ...rest } = target;
    published[entry] = rest;
    const stem = stemOf(typeof source === "object" ? source.default : source);
    const browser = typeof source === "object" ? stemOf(source.browser) : undefined;
    if (stem === undefined || (typeof source === "object" && browser === undefined)) {
      problem(
        `exports["${entry}"] needs a "source" of the form ./src/NAME.ts, or one each for "browser" and "default"`,
      );
      continue;
    }
    for (const file of typeof source === "object" ? Object.values(source) : [source]) {
      if (!has(file)) problem(`exports["${entry}"] names ${file}, and there is no such file`);
    }
    // The order counts: a resolver takes the first condition that it knows.
    const right = { ...(browser && { browser: built(browser) }), ...built(stem) };
    if (JSON.stringify(rest) !== JSON.stringify(right)) {
      problem(`exports["${entry}"] must be, after "source", ${JSON.stringify(right)}`);
    }
    if (source !== undefined && Object.keys(target)[0] !== "source") {
      problem(`exports["${entry}"] must name "source" first`);
    }
  }
  if (published["./package.json"] !== "./package.json") problem('exports must offer "./package.json"');
  if (!isDeepStrictEqual(published, manifest.publishConfig?.exports)) {
    problem('publishConfig.exports must be exports without the "source" conditions');
  }
}

function stemOf(source) {
  return /^\.\/src\/([\w-]+)\.ts$/.exec(source ?? "")?.[1];
}

function built(stem) {
  return { types: `./dist/${stem}.d.ts`, default: `./dist/${stem}.js` };
}

function packAll(wantedFolder) {
  const folder = path.resolve(wantedFolder ?? fs.mkdtempSync(path.join(os.tmpdir(), "wireyard-pack-")));
  fs.mkdirSync(folder, { recursive: true });
  try {
    for (const name of names) checkTarball(name, folder);
  } finally {
    if (wantedFolder === undefined) fs.rmSync(folder, { recursive: true, force: true });
  }
}

function checkTarball(name, folder) {
  if (!fs.existsSync(path.join(root, "packages", name, "dist"))) {
    problems.push(`packages/${name}: has no dist; build first`);
    return;
  }
  const { version } = readManifest(name);
  const tarball = path.join(folder, `wireyard-${name}-${version}.tgz`);
  const inPackage = path.join(root, "packages", name);
  if (!tool(name, "pnpm", ["pack", "--out", tarball], inPackage)) return;
  tool(name, bin("publint"), ["run", tarball, "--strict"], root);
  tool(name, bin("attw"), [tarball, "--profile", "esm-only", "--no-emoji"], root);
  console.log(`  @wireyard/${name} ${version}: ${(fs.statSync(tarball).size / 1024).toFixed(1)} kB packed`);
}

/** Runs a tool, and shows its output where it fails. */
function tool(name, command, args, cwd) {
  const result = spawnSync(command, args, { cwd, encoding: "utf8", shell: process.platform === "win32" });
  if (result.status === 0) return true;
  const words = result.error?.message ?? `${result.stdout}${result.stderr}`.trim();
  problems.push(`packages/${name}: ${path.basename(command)} fails:\n${words}\n`);
  return false;
}

function bin(name) {
  return path.join(root, "node_modules", ".bin", name);
}

function readManifest(name) {
  return JSON.parse(fs.readFileSync(path.join(root, "packages", name, "package.json"), "utf8"));
}
