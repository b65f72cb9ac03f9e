// Child processes, the signals they get, and the environment they see.

import { spawn } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { isatty } from "node:tty";

export const WINDOWS = process.platform === "win32";
const ON_TERMINAL = isatty(0);
/** npm delivers a Ctrl-C twice, once itself and once through the terminal: two within this time are one. */
const SAME_SIGNAL_MS = 250;

/** What a user can do something about: told in one line, without a stack. */
export class Failure extends Error {}

/** The one process at work now; signals go to it. */
let child;
/** `installing`: a signal ends the whole run. `handed-over`: the child decides what a signal means. */
let phase = "installing";
let childHasOwnSession = false;
let stoppedBy;

/** Tells the user, on standard error: standard output belongs to the server and its ready line. */
export function say(text) {
  process.stderr.write(`wireyard: ${text}\n`);
}

/** Runs a step of the installation; its output is shown only when it fails. */
export async function runQuietly(what, command, args, options) {
  const { code, signal, output } = await run(command, args, {
    ...options,
    stdio: ["ignore", "pipe", "pipe"],
  });
  stopIfAsked();
  if (code === 0) return;
  process.stderr.write(`${output.trimEnd().split("\n").slice(-20).join("\n")}\n`);
  const reason = `it ended with ${signal ?? code}, its own words are above; is the npm registry reachable?`;
  throw new Failure(`could not ${what}: ${reason}`);
}

/** Runs what the user asked for; from here on signals are its business, and its exit code is ours. */
export async function handOver(command, args, options) {
  stopIfAsked();
  phase = "handed-over";
  const { code, signal } = await run(command, args, { stdio: "inherit", ...options });
  return signal === null ? code : 128 + os.constants.signals[signal];
}

/**
 * Like `handOver`, for a server. On a terminal it gets a session of its own: Ctrl-C then reaches it once, through us,
 * not a second time from the terminal. Elsewhere it stays in our process group, so that killing the group kills it.
 */
export function handOverServer(command, args, options) {
  childHasOwnSession = ON_TERMINAL && !WINDOWS;
  const stdio = ["inherit", "inherit", "inherit", "ipc"];
  return handOver(command, args, { ...options, stdio, detached: childHasOwnSession });
}

function run(command, args, options) {
  return new Promise((resolve, reject) => {
    let output = "";
    const keep = (bytes) => {
      output += bytes;
    };
    child = spawn(command, args, options);
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    child.on("error", (error) => reject(new Failure(`cannot run ${command}: ${error.message}`)));
    child.on("close", (code, signal) => resolve({ code, signal, output }));
  });
}

export function listenForSignals() {
  const last = {};
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      const now = Date.now();
      if (signal !== "SIGHUP" && now - (last[signal] ?? 0) < SAME_SIGNAL_MS) return;
      last[signal] = now;
      // A hang-up because the terminal is gone means the end; only one that somebody sent means reload.
      pass(signal === "SIGHUP" && ON_TERMINAL && !isatty(0) ? "SIGTERM" : signal);
    });
  }
  // npm passes on SIGINT and SIGTERM and nothing else. When it ends in another way (it dies of SIGHUP), we and the
  // server would be left behind; being given another parent is how we notice.
  if (process.env.npm_lifecycle_event === undefined || WINDOWS) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    pass("SIGTERM");
  }, 500);
  watch.unref();
}

function pass(signal) {
  if (phase === "installing") stoppedBy ??= signal;
  // Ctrl-C in a terminal has already reached a child that shares our process group.
  else if (signal === "SIGINT" && ON_TERMINAL && !childHasOwnSession) return;
  child?.kill(signal);
}

/** Throws when a signal has arrived while there was nothing yet to pass it on to. */
export function stopIfAsked() {
  if (stoppedBy !== undefined) throw new Failure(`stopped by ${stoppedBy} before everything was installed`);
}

export function exitAfter(error) {
  say(error instanceof Failure ? error.message : String(error.stack));
  process.exit(stoppedBy === undefined ? 1 : 128 + os.constants.signals[stoppedBy]);
}

/** What leads to the registry: kept of npm's variables. `@scope:registry` and `//host/:_authToken` are among them. */
const REGISTRY_SETTING =
  /^p?npm_config_(registry|https?_proxy|proxy|noproxy|ca|cafile|strict_ssl|userconfig|globalconfig|cache|[@/].*)$/i;

/**
 * Our environment with `pathFirst` in front of PATH, and without what npm or pnpm set for the script they run: that
 * would steer the npm and pnpm that we run.
 */
export function childEnv(pathFirst) {
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    const isSetting = REGISTRY_SETTING.test(name) && value !== "";
    if (isSetting || !/^(npm_|pnpm_(?!home$)|init_cwd$|node$)/i.test(name)) env[name] = value;
  }
  // npm tells its scripts the registry it uses; pnpm listens to another name.
  if (env.npm_config_registry) env.pnpm_config_registry ??= env.npm_config_registry;
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
  env[pathName] = [...pathFirst, env[pathName]].join(path.delimiter);
  return env;
}
