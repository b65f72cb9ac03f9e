import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { Failure } from "../errors.ts";
import { explainConnection, parseTarget, type Target } from "./target.ts";

export interface ConsoleOptions {
  /** Milliseconds to wait for an answer. */
  timeout: number;
}

/** What a console needs of one protocol: a connection, and the commands that its user can type. */
export interface ConsoleSession {
  /** A line for each command. */
  readonly help: readonly string[];
  /**
   * Runs a command.
   *
   * @returns the lines that tell what came of it; `undefined` where there is no such command
   * @throws {Error} where it failed; the console goes on
   */
  run(command: string, words: readonly string[]): Promise<readonly string[] | undefined>;
  /** Runs a command at once that gives up another which is waited for; tells whether it is one. */
  interrupt?(command: string): boolean;
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
  close(): void;
}

/** Opens a session; `show` tells what comes in unasked, a line each. */
export type OpenSession = (
  target: Target,
  options: ConsoleOptions,
  show: (line: string) => void,
) => Promise<ConsoleSession>;

/** The protocols that the console speaks: another is a line here, and a module with its `OpenSession`. */
export const CONSOLES: Readonly<Record<string, { readonly port: number; load(): Promise<OpenSession> }>> = {
  "varint-state": {
    port: 23_456,
    load: async () => (await import("./console-varint-state.ts")).openVarintState,
  },
};

/** Where a console talks to its user. */
export interface ConsoleTerminal {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
  /** Whether somebody types: then a command can interrupt another. */
  readonly interactive: boolean;
}

/**
 * `wireyard console`: runs the lines of standard input as commands.
 *
 * @throws {InvalidArgumentError} where `address` is none
 * @throws {Failure} where the server cannot be reached, closes, or a command of a script fails
 */
export async function consoleCommand(
  protocol: string,
  address: string,
  options: ConsoleOptions,
): Promise<void> {
  const { port, load } = CONSOLES[protocol] as (typeof CONSOLES)[string];
  const target = parseTarget(address, port);
  const open = await load();
  const terminal: ConsoleTerminal = {
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
    interactive: process.stdin.isTTY === true,
  };
  const show = (line: string): void => void terminal.output.write(`${line}\n`);
  let session: ConsoleSession;
  try {
    session = await open(target, options, show);
  } catch (error) {
    throw new Failure(explainConnection(error, target), { cause: error });
  }
  if (terminal.interactive) show(`connected to ${target.name}; help lists the commands`);
  await runConsole(session, terminal, target.name);
}

/**
 * Reads lines and runs them, one after the other, until `exit`, the end of the input or of the connection.
 *
 * @throws {Failure} where the connection ends before the input, or a line failed that nobody typed
 */
export async function runConsole(
  session: ConsoleSession,
  terminal: ConsoleTerminal,
  name: string,
): Promise<void> {
  const { input, output, errors, interactive } = terminal;
  const lines = createInterface({ input });
  const gone = session.closed.then(() => "gone" as const);
  let running: Promise<void> = Promise.resolve();
  let failed = 0;

  async function run(line: string): Promise<void> {
    const [command = "", ...words] = line.split(/\s+/);
    try {
      const told = command === "help" ? helpOf(session) : await session.run(command, words);
      if (told === undefined) throw new Error(`${JSON.stringify(command)} is no command; help lists them`);
      for (const text of told) output.write(`${text}\n`);
    } catch (error) {
      failed++;
      errors.write(`${(error as Error).message}\n`);
    }
  }

  async function runAll(): Promise<"done"> {
    for await (const text of lines) {
      const line = text.trim();
      if (line === "exit") return "done";
      if (line === "" || (interactive && session.interrupt?.(line))) continue;
      running = running.then(() => run(line));
      // A script's lines take their turn; of those that are typed, the next may interrupt this one.
      if (!interactive) await running;
    }
    await running;
    return "done";
  }

  const end = await Promise.race([runAll(), gone]);
  // What failed with the connection is told first.
  if (end === "gone") await running;
  lines.close();
  // An open standard input would keep the process.
  input.destroy();
  session.close();
  if (end === "gone") throw new Failure(`${name}: the server closed the connection`);
  if (failed > 0 && !interactive)
    throw new Failure(failed === 1 ? "1 command failed" : `${failed} commands failed`);
}

function helpOf(session: ConsoleSession): readonly string[] {
  return [...session.help, "help             shows this", "exit             closes the connection and ends"];
}
