import { decodeText } from "@wireyard/framing";
import { type Hub, type MaybePromise, RefusedError, type Session } from "@wireyard/session";
import { errorValues } from "./codec.ts";

/** What a command answers: the values of its reply, none for the empty frame; nothing at all for `ok`. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is the most usual one
export type CommandResult = MaybePromise<readonly string[] | void>;

/** A command: what an operator adds, and what most of the built-in ones are. */
export interface Command {
  /** 1 to 64 characters without white space, commas, backslashes and control characters. */
  readonly name: string;
  /** Its form, `login,<user>,<password>` for instance: told by `help`, and to whoever gets it wrong. */
  readonly usage?: string;
  /** Whether these are arguments of this command; where they are not, the answer is `syntax`. */
  check(args: readonly string[]): boolean;
  /**
   * Does it. `args` are the unescaped fields behind the command's name; `session.user` is the logged-in user's name.
   *
   * A `RefusedError` that it throws or rejects with is told to the client; anything else is `unhandled` to it, and
   * reported to the operator.
   */
  handler(args: readonly string[], session: Session, hub: Hub): CommandResult;
}

/** A command that forwards its arguments, and so leaves them undecoded. */
export interface ByteCommand {
  readonly name: string;
  readonly usage: string;
  readonly args: "bytes";
  check(args: readonly Uint8Array[]): boolean;
  handler(args: readonly Uint8Array[], session: Session, hub: Hub): CommandResult;
}

/** A command of either kind, as the service looks it up. */
export type AnyCommand = Command | ByteCommand;

const register: Command = {
  name: "register",
  usage: "register,<user>,<password>",
  check: areCredentials,
  handler: async ([user = "", password = ""], session, hub) => {
    await hub.register(session, user, password);
  },
};

const login: Command = {
  name: "login",
  usage: "login,<user>,<password>",
  check: areCredentials,
  handler: async ([user = "", password = ""], session, hub) => {
    await hub.login(session, user, password);
  },
};

const whoami: Command = {
  name: "whoami",
  usage: "whoami",
  check: (args) => args.length === 0,
  handler(_args, session) {
    const { user } = session;
    if (user === undefined) throw new RefusedError("not_logged_in", "not logged in");
    return ["user", user];
  },
};

/** [COMMA-2.7] The fields go to the hub as the bytes they came as, and so to the receiver. */
const send: ByteCommand = {
  name: "send",
  usage: "send,<user>,<command>,…",
  args: "bytes",
  check: (args) => args.length >= 2,
  handler: ([user, ...fields], session, hub) =>
    hub.sendToUser(session, decodeText(user as Uint8Array) as string, fields),
};

const NO_VALUES: readonly string[] = [];

const nop: Command = {
  name: "nop",
  usage: "nop",
  check: (args) => args.length === 0,
  handler: () => NO_VALUES,
};

/** Tells what a table holds, which may change: it reads `commands` when it is asked. [COMMA-2.11] */
export function helpCommand(commands: ReadonlyMap<string, AnyCommand>): Command {
  return {
    name: "help",
    usage: "help,[command]",
    check: (args) => args.length <= 1,
    handler([name]) {
      if (name === undefined) return ["help", REQ_FORM, ...[...commands.values()].map(formOf)];
      if (name === REQ) return ["help", REQ_FORM];
      const command = commands.get(name);
      if (command === undefined) return errorValues(false, "command_not_found", noSuchCommand(commands));
      return ["help", formOf(command)];
    },
  };
}

/** What somebody is told who named no command. */
export function noSuchCommand(commands: ReadonlyMap<string, AnyCommand>): string {
  return `there is no such command; there are: ${[REQ, ...commands.keys()].join(" ")}`;
}

/** What somebody is told whose arguments are not those of a command. */
export function rightForm(command: AnyCommand): string {
  if (command.usage === undefined) return "these are not arguments of this command";
  return `the form is ${formOf(command)}`;
}

/** How a command is written. An operator may have left its name out of the usage, or left out the usage. */
function formOf({ name, usage }: AnyCommand): string {
  if (usage === undefined) return name;
  return usage.startsWith(name) ? usage : `${name},${usage}`;
}

/** [COMMA-2.4] [COMMA-2.5] A user and a password that is not empty. */
function areCredentials(args: readonly string[]): boolean {
  return args.length === 2 && args[1] !== "";
}

/** What every service does where its options do not say otherwise; `req` is none of them. */
export const BUILT_IN_COMMANDS: readonly AnyCommand[] = [register, login, whoami, send, nop];

/** What is not a command of its own: it says under which ID the one within it is answered. */
export const REQ = "req";
const REQ_FORM = "req,<ID>,<command>,…";
