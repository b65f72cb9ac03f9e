import { encodeText } from "@wireyard/framing";
import { type Hub, type Session, UsageError } from "@wireyard/session";
import { argumentBytes, argumentTexts } from "./codec.ts";
import {
  type AnyCommand,
  BUILT_IN_COMMANDS,
  type ByteCommand,
  type Command,
  type CommandResult,
} from "./commands.ts";
import { escapeText } from "./fields.ts";
import type { CommandMessage } from "./messages.ts";

/** Marks arguments that `check` has turned down. */
export const WRONG_ARGUMENTS: unique symbol = Symbol("wrong arguments");

/** The commands of one service, found by the bytes of their names. */
export class CommandTable {
  /** By name. */
  readonly commands: ReadonlyMap<string, AnyCommand>;
  /** By the length of the escaped name: a name is looked up without a string made of it. */
  private readonly byLength = new Map<number, { name: Uint8Array; command: AnyCommand }[]>();

  /**
   * @param commands added to the built-in ones, or put in their place
   * @param remove names of built-in commands to leave out
   * @throws {UsageError} where a command to add is none, or one to remove is not there
   */
  constructor(commands: readonly Command[], remove: readonly string[]) {
    const byName = new Map<string, AnyCommand>();
    for (const command of BUILT_IN_COMMANDS) byName.set(command.name, command);
    for (const name of remove) {
      if (!byName.delete(name)) {
        throw new UsageError(
          `there is no command "${name}" to remove; there are ${[...byName.keys()].join(", ")}`,
        );
      }
    }
    for (const command of commands) {
      refuseNoCommand(command);
      byName.set(command.name, command);
    }
    this.commands = byName;
    for (const command of byName.values()) {
      const name = encodeText(escapeText(command.name));
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
  return command.check(args) ? command.handler(args, session, hub) : WRONG_ARGUMENTS;
}

/** What is not a command of its own: it says under which ID the one within it is answered. */
const REQ = "req";

/** A command comes from an operator's own module: nothing has checked yet that it is one. */
function refuseNoCommand(command: Command): void {
  const { name, usage, check, handler } = command;
  if (typeof name !== "string" || name === "") throw new UsageError("a command needs a name");
  if (name === REQ) throw new UsageError("req cannot be replaced: it is not a command of its own");
  if (typeof check !== "function") throw new UsageError(`the command "${name}" needs a function check(args)`);
  if (typeof handler !== "function") {
    throw new UsageError(`the command "${name}" needs a function handler(args, session, hub)`);
  }
  if (usage !== undefined && typeof usage !== "string") {
    throw new UsageError(`the usage of the command "${name}" must be a string`);
  }
}

function takesBytes(command: AnyCommand): command is ByteCommand {
  return "args" in command && command.args === "bytes";
}
