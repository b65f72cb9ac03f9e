#!/usr/bin/env node
import { CommanderError } from "commander";
import { createProgram } from "./cli.ts";
import { Failure } from "./errors.ts";

// Exit codes: 0 done, 1 failed, 2 wrong usage.
try {
  const program = createProgram();
  for (const command of [program, ...program.commands, ...program.commands.flatMap((one) => one.commands)]) {
    command.exitOverride();
  }
  const [name = ""] = process.argv.slice(2);
  // Commander would answer `--help` behind any word with the general help.
  if (/^\w/.test(name) && name !== "help" && !program.commands.some((command) => command.name() === name))
    program.error(`error: unknown command '${name}'`, { exitCode: 2 });
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // It has said already what is wrong.
    process.exit(error.exitCode === 0 ? 0 : 2);
  }
  const { message, stack } = error as Error;
  process.stderr.write(`wireyard: ${error instanceof Failure ? message : stack}\n`);
  process.exit(1);
}
