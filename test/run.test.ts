import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";

const scripts = join(import.meta.dirname, "..", "scripts");
const install = readFileSync(join(scripts, "run", "install.mjs"), "utf8");
const pnpmVersion = /PNPM_VERSION = "(.+?)"/.exec(install)?.[1];

/** Tells every signal on stdout; stops on SIGTERM, and leaves the file `stopped`. */
const SERVER = `
import { writeFileSync } from "node:fs";
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => {
    console.log(signal);
    if (signal === "SIGTERM") setTimeout(() => { writeFileSync("stopped", ""); process.exit(3); }, 100);
  });
}
console.log("ready", process.pid, ...process.argv.slice(2));
setTimeout(() => process.exit(9), 30_000);
`;

/** Notes what it is asked to do, in the file \`pnpm.log\`; asked to install, does what INSTALL says. */
const PNPM = `#!/bin/sh
if [ "$1" = --version ]; then echo ${pnpmVersion}; exit; fi
echo "$*" >> pnpm.log
mkdir -p node_modules
eval "$INSTALL"
`;

/** A project with our scripts, a server that does nothing, and a pnpm that installs nothing. */
function makeProject() {
  const root = mkdtempSync(join(tmpdir(), "wireyard-run-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  cpSync(scripts, join(root, "scripts"), { recursive: true });
  mkdirSync(join(root, "apps", "server", "src"), { recursive: true });
  writeFileSync(join(root, "apps", "server", "src", "main.ts"), SERVER);
  writeFileSync(join(root, "pnpm-lock.yaml"), "one");
  mkdirSync(join(root, "bin"));
  writeFileSync(join(root, "bin", "pnpm"), PNPM);
  chmodSync(join(root, "bin", "pnpm"), 0o755);
  const { npm_lifecycle_event: _, ...env } = process.env;
  env.PATH = `${join(root, "bin")}${delimiter}${env.PATH}`;
  return { root, env };
}

type Project = ReturnType<typeof makeProject>;
type Running = ChildProcessByStdio<null, Readable, Readable>;

function runIn({ root, env }: Project, command: string[], more: Record<string, string> = {}): Running {
  const [name = "", ...args] = command;
  const child = spawn(name, args, { cwd: root, env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Waits until `text` has been written. @returns all that was written to that stream from now on */
async function heard(stream: Readable, text: string): Promise<string> {
  let all = "";
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    all += chunk;
    if (all.includes(text)) return all;
  }
  throw new Error(`the stream ended before ${text}: ${all}`);
}

/** Waits until every holder of the stream, the server among them, is gone. */
async function ended(stream: Readable): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += chunk;
  return all;
}

const START = [process.execPath, "scripts/run.mjs", "start"];

test("start hands its arguments and signals to the server, and ends with its exit code", async () => {
  const wrapper = runIn(makeProject(), [...START, "--", "--set", "a=b"]);
  expect(await heard(wrapper.stdout, "ready")).toMatch(/^ready \d+ serve --set a=b\n$/);
  wrapper.kill("SIGHUP");
  expect(await heard(wrapper.stdout, "SIG")).toBe("SIGHUP\n");
  wrapper.kill("SIGTERM");
  // npm may pass on a signal that the terminal has sent to all: twice at once is once.
  wrapper.kill("SIGTERM");
  const exit = once(wrapper, "exit");
  expect(await ended(wrapper.stdout)).toBe("SIGTERM\n");
  expect(await exit).toEqual([3, null]);
});

test("wireyard runs the command line where the user stands, with the user's arguments and its exit code", () => {
  const { root, env } = makeProject();
  writeFileSync(
    join(root, "apps", "server", "src", "main.ts"),
    "console.log(...process.argv.slice(2)); process.exit(5)",
  );
  const options = { cwd: join(root, "bin"), env, encoding: "utf8" } as const;
  const run = spawnSync(
    process.execPath,
    [join(root, "scripts/run.mjs"), "wireyard", "status", "h:1"],
    options,
  );
  expect([run.status, run.stdout]).toEqual([5, "status h:1\n"]);
});

test("a server that a signal has ended gives 128 and the signal's number", async () => {
  const wrapper = runIn(makeProject(), START);
  const pid = Number((await heard(wrapper.stdout, "ready")).split(" ")[1]);
  process.kill(pid, "SIGKILL");
  expect(await once(wrapper, "exit")).toEqual([137, null]);
});

test("the server stops when the wrapper is killed", async () => {
  const project = makeProject();
  const wrapper = runIn(project, START);
  await heard(wrapper.stdout, "ready");
  wrapper.kill("SIGKILL");
  expect(await ended(wrapper.stdout)).toBe("SIGTERM\n");
  expect(existsSync(join(project.root, "stopped"))).toBe(true);
});

test("the server stops when npm, which started the wrapper, is killed", async () => {
  const project = makeProject();
  const shell = `'${process.execPath}' scripts/run.mjs start & wait`;
  const npm = runIn(project, ["sh", "-c", shell], { npm_lifecycle_event: "start" });
  await heard(npm.stdout, "ready");
  npm.kill("SIGKILL");
  expect(await ended(npm.stdout)).toBe("SIGTERM\n");
  expect(existsSync(join(project.root, "stopped"))).toBe(true);
});

test("dependencies are installed once for one lockfile: for start what serving needs, else all", () => {
  const project = makeProject();
  const log = () => readFileSync(join(project.root, "pnpm.log"), "utf8").trimEnd().split("\n");
  const run = (...args: string[]) => {
    const options = { cwd: project.root, env: project.env, encoding: "utf8" } as const;
    return spawnSync(process.execPath, ["scripts/run.mjs", ...args], options);
  };
  const main = join(project.root, "apps", "server", "src", "main.ts");
  writeFileSync(main, "");
  const first = run("start");
  expect([first.status, first.stdout, first.stderr]).toEqual([0, "", "wireyard: installing dependencies\n"]);
  expect(run("start").stderr).toBe("");
  expect(log()).toEqual(["install --frozen-lockfile --trust-lockfile --prod"]);
  expect(run("exec", "node", "--eval", "process.exit(7)").status).toBe(7);
  expect(run("exec", "true").stderr).toBe("");
  expect(log().slice(1)).toEqual(["install --frozen-lockfile --trust-lockfile"]);
  // Once everything was there, start does not take away what tests need.
  writeFileSync(join(project.root, "pnpm-lock.yaml"), "two");
  run("start");
  run("start");
  expect(log().slice(2)).toEqual(["install --frozen-lockfile --trust-lockfile"]);
});

test("an installation that fails is told on stderr, in pnpm's words and then in one line of ours", async () => {
  const wrapper = runIn(makeProject(), START, { INSTALL: "echo no route; exit 4" });
  const exit = once(wrapper, "exit");
  const stderr = (await ended(wrapper.stderr)).trimEnd().split("\n");
  expect(stderr.slice(1, -1)).toEqual(["no route"]);
  expect(stderr.at(-1)).toMatch(/^wireyard: could not install the dependencies with pnpm: it ended with 4/);
  expect(await exit).toEqual([1, null]);
  expect(await ended(wrapper.stdout)).toBe("");
});

test("a signal during the installation ends it, and the next run installs again", async () => {
  const project = makeProject();
  const wrapper = runIn(project, START, { INSTALL: "echo >pnpm.running; exec sleep 60" });
  await heard(wrapper.stderr, "installing");
  await expect.poll(() => existsSync(join(project.root, "pnpm.running"))).toBe(true);
  wrapper.kill("SIGTERM");
  expect(await once(wrapper, "exit")).toEqual([143, null]);
  const again = runIn(project, START);
  expect(await heard(again.stderr, "installing")).toContain("installing dependencies");
  await heard(again.stdout, "ready");
});

test("the variables of npm do not reach the server, but for what leads to the registry", async () => {
  const project = makeProject();
  const print = "console.log(JSON.stringify(Object.keys(process.env).filter((k) => /npm_/i.test(k)).sort()))";
  writeFileSync(join(project.root, "apps", "server", "src", "main.ts"), print);
  const set = ["npm_config_yes", "npm_package_name", "npm_config_user_agent", "npm_config_registry"];
  const env = Object.fromEntries(
    Object.keys(project.env)
      .filter((k) => /npm_/i.test(k))
      .map((k) => [k, ""]),
  );
  for (const name of set) env[name] = "x";
  const wrapper = runIn(project, START, env);
  expect(await ended(wrapper.stdout)).toBe('["npm_config_registry","pnpm_config_registry"]\n');
});
