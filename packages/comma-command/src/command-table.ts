import { encodeText } from "@wireyard/framing";
import { type Hub, type Session, UsageError } from "@wireyard/session";
import { argumentBytes, argumentTexts } from "./codec.ts";
import {
  type AnyCommand,
  BUILT_IN_COMMANDS,
  type ByteCommand,
  type CommandResult,
  helpCommand,
  noSuchCommand,
} from "./commands.ts";
import type { CommandMessage } from "./messages.ts";
import { applyModule, type CommaModule } from "./modules.ts";

/** Marks arguments that `check` has turned down. */
export const WRONG_ARGUMENTS: unique symbol = Symbol("wrong arguments");

/** The commands of one service, found by the bytes of their names. A table does not change; a service may take another. */
export class CommandTable {
  /** By name. */
  readonly commands: ReadonlyMap<string, AnyCommand>;
  /** What somebody who named no command is told. */
  readonly notFound: string;
  /** By the length of the name: a name is looked up without a string made of it. */
  private readonly byLength = new Map<number, { name: Uint8Array; command: AnyCommand }[]>();

  /**
   * @param first changes the built-in commands
   * @param modules change what the ones before them have left, by the names that errors tell
   * @throws {UsageError} where a command to add is none, or one to remove is not there
   */
  constructor(first: CommaModule, modules: Readonly<Record<string, CommaModule>>) {
    const byName = new Map<string, AnyCommand>();
    for (const command of BUILT_IN_COMMANDS) byName.set(command.name, command);
    byName.set("help", helpCommand(byName));
    applyModule(byName, first);
    for (const [name, module] of Object.entries(modules)) {
      try {
        applyModule(byName, module);
      } catch (error) {
        throw error instanceof UsageError ? new UsageError(`${name}: ${error.message}`) : error;
      }
    }
    this.commands = byName;
    this.notFound = noSuchCommand(byName);
    for (const command of byName.values()) {
      const name = encodeText(command.name);
      const others = this.byLength.get(name.length);
      if (others === undefined) this.byLength.set(name.length, [{ name, command }]);
      else others.push({ name, command });
    }
  }

  /** The command that a message names. Case-sensitive. */
  find({ data, nameStart, nameEnd }: CommandMessage): AnyCommand | undefined {
    const sameLength = this.byLength.get(nameEnd - nameStart);
    if (sameLength === undefined) return undefined;
    for (const { name, command } of sameLength) {
      let at = 0;
      while (at < name.length && data[nameStart + at] === name[at]) at++;
      if (at === name.length) return command;
    }
    return undefined;
  }
}

/** Runs a command with the arguments of a message, which are lent until it waits for something. */
export function runCommand(
  command: AnyCommand,
  message: CommandMessage,
  session: Session,
  hub: Hub,
): CommandResult | typeof WRONG_ARGUMENTS {
  if (takesBytes(command)) {
    const args = argumentBytes(message);
    return command.check(args) ? command.handler(args, session, hub) : WRONG_ARGUMENTS;
  }
  const args = argumentTexts(message);
  const right: unknown = command.check(args);
  // A promise is true, whatever it comes to.
  if (isPromise(right)) throw new UsageError("check returns true or false, not a promise");
  return right ? command.handler(args, session, hub) : WRONG_ARGUMENTS;
}

/** An operator's own promise may be of any kind. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

function takesBytes(command: AnyCommand): command is ByteCommand {
  return "args" in command;
}
