import { UsageError } from "@wireyard/session";
import { type AnyCommand, type Command, REQ } from "./commands.ts";

/** What an operator's module exports as its default: it changes which commands there are. */
export interface CommaModule {
  /** Names of commands to leave out, before the others are added. */
  readonly remove?: readonly string[];
  /** Commands beside those there are, or in place of the one of that name. */
  readonly commands?: readonly Command[];
}

/**
 * Types and checks a module where it is written: `export default defineModule({ commands: [...] })`. What it gives
 * back is what it was given.
 *
 * @throws {UsageError} which tells what is wrong, and what would be right
 */
export function defineModule(module: CommaModule): CommaModule {
  refuseNoModule(module);
  return module;
}

/**
 * Removes and adds what a module says.
 *
 * @param commands by name; half changed where it throws
 * @throws {UsageError} where it is no module, or a command to remove is not there
 */
export function applyModule(commands: Map<string, AnyCommand>, module: CommaModule): void {
  refuseNoModule(module);
  for (const name of module.remove ?? []) {
    if (!commands.delete(name)) {
      throw new UsageError(
        `there is no command "${name}" to remove; there are ${[...commands.keys()].join(", ")}`,
      );
    }
  }
  for (const command of module.commands ?? []) commands.set(command.name, command);
}

const FIELDS: ReadonlySet<string> = new Set(["commands", "remove"] satisfies (keyof CommaModule)[]);
const MODULE = "a module is an object of the form { commands: [...], remove: [...] }";
/** [COMMA-2.13] What can be said in a frame without an escape, and be told from its neighbours by eye. */
const NAME = /^[^\s,\\\p{C}]{1,64}$/u;

/** A module is an operator's own, and may be plain JavaScript: nothing has checked yet that it is one. */
function refuseNoModule(module: unknown): void {
  if (!isObject(module)) throw new UsageError(`${MODULE}, not ${kindOf(module)}`);
  for (const field of Object.keys(module)) {
    if (!FIELDS.has(field)) throw new UsageError(`${MODULE}; it has no "${field}"`);
  }
  const { commands = [], remove = [] } = module;
  if (!Array.isArray(commands)) throw new UsageError(`commands must be an array, not ${kindOf(commands)}`);
  if (!Array.isArray(remove)) throw new UsageError(`remove must be an array, not ${kindOf(remove)}`);
  const names = new Set<string>();
  for (const [i, command] of commands.entries()) {
    const name = refuseNoCommand(command, i + 1);
    if (names.has(name)) throw new UsageError(`there are two commands "${name}"; keep one`);
    names.add(name);
  }
  for (const name of remove) {
    if (typeof name !== "string") throw new UsageError(`remove must hold names, not ${kindOf(name)}`);
    if (name === REQ) throw new UsageError("req cannot be removed: it is not a command of its own");
  }
}

/** @returns the command's name */
function refuseNoCommand(command: unknown, place: number): string {
  if (!isObject(command)) throw new UsageError(`command ${place} must be an object, not ${kindOf(command)}`);
  const { name, usage, check, handler } = command;
  if (typeof name !== "string" || name === "") throw new UsageError(`command ${place} needs a name`);
  if (!NAME.test(name)) {
    throw new UsageError(
      `the name ${JSON.stringify(name)} must have at most 64 characters, without white space, commas, backslashes and control characters`,
    );
  }
  if (name === REQ) throw new UsageError("req cannot be replaced: it is not a command of its own");
  if ("args" in command) {
    throw new UsageError(`the command "${name}" cannot have "args": its arguments are strings`);
  }
  if (typeof check !== "function") throw new UsageError(`the command "${name}" needs a function check(args)`);
  if (typeof handler !== "function") {
    throw new UsageError(`the command "${name}" needs a function handler(args, session, hub)`);
  }
  if (usage !== undefined && (typeof usage !== "string" || usage === "")) {
    throw new UsageError(`the usage of the command "${name}" must be a string that is not empty`);
  }
  return name;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
