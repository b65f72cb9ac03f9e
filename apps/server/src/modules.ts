import { stat } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { type CommaCommand, type CommaModule, defineModule } from "@wireyard/comma-command/server";
import { UsageError } from "@wireyard/session";
import type { Logger } from "pino";
import { Failure } from "./errors.ts";

type Modules = Readonly<Record<string, CommaModule>>;

const KEY = "protocols.comma-command.modules";
/** A module may wait for something at its top level; one that waits longer has failed. */
const LOAD_LIMIT_MS = 800;

/** The operator's modules of a comma command service, by their paths and in the order of the configuration. */
export class LoadedModules {
  private readonly service: CommaCommand;
  private readonly log: Logger;
  private inUse: Modules = {};

  constructor(service: CommaCommand, log: Logger) {
    this.service = service;
    this.log = log;
  }

  /**
   * Loads the modules that a server starts with.
   *
   * @throws {Failure} which names the module that cannot be used
   */
  async start(paths: readonly string[]): Promise<void> {
    this.use(
      Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await loadModule(path)]))),
    );
  }

  /** Reads all modules again. One that cannot be used is logged, and what was there in its place stays. */
  async reload(paths: readonly string[]): Promise<void> {
    const next: Record<string, CommaModule> = {};
    const results = await Promise.allSettled(paths.map(loadModule));
    for (const [i, result] of results.entries()) {
      const path = paths[i] as string;
      const before = this.inUse[path];
      if (result.status === "fulfilled") next[path] = result.value;
      else if (before !== undefined) next[path] = before;
      if (result.status === "rejected") {
        const instead = before === undefined ? "it is left out" : "the one before it stays";
        this.log.error({ module: path }, `a module cannot be used, ${instead}: ${result.reason.message}`);
      }
    }
    try {
      this.use(next);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.log.error(`the modules cannot be used together, those before them stay: ${error.message}`);
    }
  }

  private use(modules: Modules): void {
    try {
      this.service.use(modules);
    } catch (error) {
      throw failure(error);
    }
    for (const [path, module] of Object.entries(modules)) {
      if (this.inUse[path] === module) continue;
      const commands = module.commands?.map(({ name }) => name);
      this.log.info({ module: path, commands, remove: module.remove }, "a module was loaded");
    }
    this.inUse = modules;
  }
}

/** How many files were read: a number that was not in a URL yet makes Node read the file again. */
let reads = 0;

async function loadModule(path: string): Promise<CommaModule> {
  const url = `${pathToFileURL(path).href}?read=${++reads}`;
  try {
    const file = await stat(path).catch(() => undefined);
    if (file === undefined) throw new UsageError("there is no such file");
    if (!file.isFile()) throw new UsageError("it is not a file");
    const exported = (await withinLimit(import(url))) as { default?: CommaModule };
    if (!("default" in exported)) throw new UsageError("it has no default export; write export default {…}");
    return defineModule(exported.default as CommaModule);
  } catch (error) {
    throw failure(error, path, url);
  }
}

function withinLimit<T>(loading: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const text = `it is not loaded after ${LOAD_LIMIT_MS} ms; what does it wait for?`;
    timer = setTimeout(() => reject(new UsageError(text)), LOAD_LIMIT_MS);
  });
  return Promise.race([loading, late]).finally(() => clearTimeout(timer));
}

/** One line for the operator: the key, the module, what is wrong with it and where. */
function failure(error: unknown, path?: string, url = ""): Failure {
  const where = path === undefined ? KEY : `${KEY}: ${path}`;
  if (!(error instanceof Error)) return new Failure(`${where}: it threw ${String(error)}`);
  let { message } = error;
  const [, line] = url === "" ? [] : (error.stack?.split(`${url}:`)[1]?.match(/^(\d+)/) ?? []);
  if (line !== undefined) message += ` (line ${line})`;
  // Node tells the place of a mistake in the grammar only where it prints it.
  else if (error instanceof SyntaxError) message += `; node --check ${path} shows where`;
  return new Failure(`${where}: ${message}`, { cause: error });
}
