import { isIP } from "node:net";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { CONSOLES, type ConsoleOptions } from "./commands/console.ts";
import type { DevCertOptions } from "./commands/dev-cert.ts";
import type { StatusOptions } from "./commands/status.ts";
import { parseTarget, type Target } from "./commands/target.ts";
import type { Sources } from "./config/load.ts";
import { VERSION } from "./version.ts";

const VARINT_STATE_PORT = 23_456;

interface SourceOptions {
  config?: string;
  set: string[];
}

/** The `wireyard` command. Each subcommand loads its code when it is run, so that help is quick. */
export function createProgram(): Command {
  const program = new Command("wireyard")
    .description("Four small wire protocols, served and spoken.")
    .version(VERSION, "-V, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .configureHelp({ showGlobalOptions: false })
    .addHelpText("after", "\nExit codes: 0 done, 1 failed, 2 wrong usage.");

  withSources(program.command("serve").description("serve every protocol until a signal"))
    .addHelpText("after", SERVE_HELP)
    .action(async (options: SourceOptions) =>
      (await import("./commands/serve.ts")).serve(sourcesOf(options)),
    );

  const config = program.command("config").description("look at the configuration");
  withSources(
    config.command("print").description("print the configuration as it counts, without its secrets"),
  )
    .option("--json", "print JSON")
    .action(async (options: SourceOptions & { json?: true }) =>
      (await import("./commands/config.ts")).printConfig(sourcesOf(options), options),
    );
  withSources(config.command("check").description("tell what is wrong with the configuration, a line each"))
    .option("--json", "print JSON")
    .action(async (options: SourceOptions & { json?: true }) =>
      (await import("./commands/config.ts")).checkConfig(sourcesOf(options), options),
    );

  config
    .command("dev-cert")
    .description("make a certificate to try TLS with, and show what to configure")
    .option("-o, --out <directory>", "where to write wireyard-dev-cert.pem and wireyard-dev-key.pem", ".")
    .addOption(
      new Option("-n, --name <host>", "a name or address that it is for, beside localhost; may be repeated")
        .argParser((name: string, names: string[]) => [...names, checkName(name)])
        .default([], "none"),
    )
    .option("-d, --days <days>", "days that it is good for", parseDays, 365)
    .option("-f, --force", "take the place of files that are there")
    .option("--json", "print JSON")
    .action(async (options: DevCertOptions) => (await import("./commands/dev-cert.ts")).devCert(options));

  withTarget(program.command("ping").description("measure how long a VarInt server takes to answer")).action(
    async (target: Target, options: StatusOptions) =>
      (await import("./commands/status.ts")).ping(target, options),
  );
  withTarget(program.command("status").description("show what a VarInt server tells about itself")).action(
    async (target: Target, options: StatusOptions) =>
      (await import("./commands/status.ts")).status(target, options),
  );
  program
    .command("console")
    .description("speak a protocol as a client, a command a line")
    .addArgument(new Argument("<protocol>", "what the server speaks").choices(Object.keys(CONSOLES)))
    .argument("<host:port>", "the server; without a port the protocol's own", checkTarget)
    .option("-t, --timeout <ms>", "milliseconds to wait for an answer", parseTimeout, 5_000)
    .addHelpText("after", CONSOLE_HELP)
    .action(async (protocol: string, address: string, options: ConsoleOptions) =>
      (await import("./commands/console.ts")).consoleCommand(protocol, address, options),
    );
  return program;
}

const CONSOLE_HELP = `
Type help for the commands of the protocol. Without a terminal, lines of standard input are run:
  printf 'ping 42\\nstatus\\n' | wireyard console varint-state localhost
It ends with exit or the input; with 1 where the server closes, or a command of a script fails.`;

const SERVE_HELP = `
Keys are named with dots, values are YAML:
  wireyard serve --set protocols.colon-relay.port=4000 --set web.port=null
  WIREYARD_PROTOCOLS_COLON_RELAY_PORT=4000 wireyard serve
Every key with its value: wireyard config print

SIGTERM, SIGINT: close in order; a second one: at once.
SIGHUP: read the configuration, the certificate and the modules again.`;

function withSources(command: Command): Command {
  return command
    .option("-c, --config <file>", "read a YAML or JSON file")
    .addOption(
      new Option("-s, --set <key=value>", "set one key; may be repeated")
        .argParser((setting: string, settings: string[]) => [...settings, checkSetting(setting)])
        .default([], "none"),
    );
}

function withTarget(command: Command): Command {
  return command
    .argument("<host:port>", `the server; without a port ${VARINT_STATE_PORT}`, (text) =>
      parseTarget(text, VARINT_STATE_PORT),
    )
    .option("-t, --timeout <ms>", "milliseconds to wait for the answer", parseTimeout, 5_000)
    .option("--json", "print JSON");
}

/** The port of an address depends on the protocol: the command reads it. */
function checkTarget(address: string): string {
  parseTarget(address, VARINT_STATE_PORT);
  return address;
}

function sourcesOf(options: SourceOptions): Sources {
  return { file: options.config, settings: options.set, env: process.env };
}

function checkSetting(setting: string): string {
  if (!/^[^=]+=/.test(setting))
    throw new InvalidArgumentError("It must be KEY=VALUE, such as web.port=null.");
  return setting;
}

function checkName(name: string): string {
  if (isIP(name) === 0 && !/^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(name))
    throw new InvalidArgumentError("It must be a host name or an address, such as dev.example.");
  return name;
}

function parseDays(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("It must be a number of days, 1 to 9999.");
  return Number(text);
}

function parseTimeout(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError("It must be a number of milliseconds, 1 or more.");
  return Number(text);
}
