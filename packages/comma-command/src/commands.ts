import { decodeText } from "@wireyard/framing";
import { type Hub, type MaybePromise, RefusedError, type Session } from "@wireyard/session";

/** What a command answers: the values of its reply, none for the empty frame; nothing at all for `ok`. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is the most usual one
export type CommandResult = MaybePromise<readonly string[] | void>;

/** A command: what an operator adds, and what most of the built-in ones are. */
export interface Command {
  readonly name: string;
  /** Its form, `login,<user>,<password>` for instance: told to whoever gets it wrong. */
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

/** [COMMA-2.4] [COMMA-2.5] A user and a password that is not empty. */
function areCredentials(args: readonly string[]): boolean {
  return args.length === 2 && args[1] !== "";
}

/** What every service does where its options do not say otherwise; `req` is none of them. */
export const BUILT_IN_COMMANDS: readonly AnyCommand[] = [register, login, whoami, send, nop];
